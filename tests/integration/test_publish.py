"""Publishing: what one change writes, what it leaves alone, and what it refuses."""

import json
import re

import pytest

from admin_api.publishing.service import NotPublishedError, PermissionService
from admin_api.table.writer import ChangeTooLargeError
from authorizer.errors import TroubleError
from authorizer.policy.document import format_document
from tests.integration.publications import ADMIN, API, FIRST, GUEST, OWNER, ROUTES, SECOND, V1, V2, V3, many_groups
from tests.support.aws_calls import AwsCalls, error
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Table, document, opened, publish


def content(table: Table, pk: str, sk: str) -> object:
    text = table.get(pk, sk)["content"]
    return json.loads(text)


def test_the_first_version_writes_every_row(table: Table) -> None:
    head = publish(FIRST, clock=Clock(1_784_111_400.9), author="arn:aws:iam::111122223333:user/jane", reason="first")
    items = table.items()
    assert set(items) == {
        ("apis", "petstore"),
        (API, "head"),
        (API, f"version#{V1}"),
        (API, "subject#group/guest"),
        (ROUTES, V1),
        (GUEST, V1),
    }
    assert content(table, ROUTES, V1) == {"routes": ["GET /pets", "POST /pets"]}
    assert content(table, GUEST, V1) == {"held": {"allow": ["GET /pets"]}, "ancestors": []}
    written = items[API, "head"]
    assert (written["version"], written["hash"], written["updated_at"]) == (1, head.hash, "2026-07-15T10:30:00Z")
    record = items[API, f"version#{V1}"]
    assert (record["author"], record["reason"], record["time"]) == ("arn:aws:iam::111122223333:user/jane", "first", "2026-07-15T10:30:00Z")
    assert json.loads(record["changes"]) == ["group/guest gains GET /pets"]
    assert record["parent_hash"] == ""
    assert {(pk, sk) for pk, sk, _ in json.loads(record["touched"])} == {(API, "subject#group/guest"), (ROUTES, V1), (GUEST, V1)}


def test_every_item_carries_its_format_number(table: Table) -> None:
    publish(FIRST)
    publish(SECOND)
    assert {item["schema"] for item in table.items().values()} == {1}


def test_the_second_version_writes_what_differs_and_leaves_the_rest(table: Table) -> None:
    publish(FIRST)
    before = table.items()
    publish(SECOND)
    after = table.items()
    assert set(after) - set(before) == {(API, f"version#{V2}"), (API, "subject#group/owner"), (OWNER, V2)}
    assert {key for key in before if before[key] != after[key]} == {(API, "head")}
    assert content(table, OWNER, V2) == {"held": {"inherits": ["guest"], "allow": ["POST /pets"]}, "ancestors": ["guest"]}
    assert after[API, f"version#{V2}"]["parent_hash"] == before[API, "head"]["hash"]


def test_the_same_document_again_writes_nothing(table: Table) -> None:
    publish(SECOND)
    before = table.items()
    service = PermissionService(opened(), Clock())
    plan = service.plan(document(SECOND))
    assert plan.is_empty
    assert service.apply(plan, author="a", reason="r") is None
    assert table.items() == before


def test_an_order_of_writing_is_no_change(table: Table) -> None:
    publish("{api: petstore, routes: [GET /pets, POST /pets], groups: {guest: {allow: [GET /pets, POST /pets]}}}")
    same = document("{groups: {guest: {allow: [POST /pets, GET /pets, GET /pets]}}, routes: [POST /pets, GET /pets], api: petstore}")
    assert PermissionService(opened(), Clock()).plan(same).is_empty


def test_a_removed_subject_stays_known_and_can_return(table: Table) -> None:
    publish(SECOND)
    publish(FIRST)
    assert "content" not in table.get(OWNER, V2)
    published = PermissionService(opened(), Clock()).published("petstore")
    assert [str(ref) for ref in published.document.subjects] == ["group/guest"]
    assert sorted(str(ref) for ref in published.known) == ["group/guest", "group/owner"]
    publish(SECOND)
    assert content(table, OWNER, V3) == {"held": {"inherits": ["guest"], "allow": ["POST /pets"]}, "ancestors": ["guest"]}
    assert format_document(PermissionService(opened(), Clock()).published("petstore").document) == format_document(document(SECOND))


def test_a_change_of_inheritance_rewrites_the_rows_of_all_descendants(table: Table) -> None:
    groups = "guest: {}, owner: {inherits: [guest]}, admin: {inherits: [owner]}, other: {}"
    publish(f"{{api: petstore, routes: [GET /pets], groups: {{{groups}}}}}")
    publish(f"{{api: petstore, routes: [GET /pets], groups: {{{groups.replace('guest: {}', 'guest: {inherits: [other]}')}}}}}")
    written = {pk: content(table, pk, sk) for pk, sk in table.items() if sk == V2}
    assert written == {
        GUEST: {"held": {"inherits": ["other"]}, "ancestors": ["other"]},
        OWNER: {"held": {"inherits": ["guest"]}, "ancestors": ["guest", "other"]},
        ADMIN: {"held": {"inherits": ["owner"]}, "ancestors": ["guest", "other", "owner"]},
    }


def test_an_empty_group_is_not_a_removed_one(table: Table) -> None:
    publish("{api: petstore, routes: [GET /pets], groups: {guest: {}}, everyone: {}}")
    published = PermissionService(opened(), Clock()).published("petstore").document
    assert format_document(published)["groups"] == {"guest": {}}
    assert format_document(published)["everyone"] == {}


NAMES = [
    "a#b",
    "a/b",
    "a:b",
    "a%23b",
    "head",
    "routes",
    "version#000000000001",
    "🦊🐻",
    "\u00e9",
    "e\u0301",
    "x" * 256,
    "🦊" * 256,
    "🦊" * 255 + "🐻",
    "G",
    "g",
]


def test_any_name_comes_back_as_it_was(table: Table) -> None:
    groups = {name: {"allow": ["GET /pets"]} for name in NAMES}
    publish({"api": "petstore", "routes": ["GET /pets"], "groups": groups, "scopes": groups, "clients": groups})
    published = format_document(PermissionService(opened(), Clock()).published("petstore").document)
    for section in ("groups", "scopes", "clients"):
        assert published[section] == groups
    keys = [pk for pk, sk in table.items() if sk == V1]
    assert len(keys) == 3 * len(NAMES) + 1
    assert all(len(pk.encode()) <= 2048 and len(sk.encode()) <= 1024 for pk, sk in table.items())


@pytest.mark.parametrize(
    ("name", "escaped"),
    [("a#b", "a%23b"), ("a/b", "a%2Fb"), ("a:b", "a%3Ab"), ("a%b", "a%25b"), ("é", "%C3%A9"), ("a.b_c-d", "a.b_c-d")],
)
def test_how_names_stand_in_keys(table: Table, name: str, escaped: str) -> None:
    publish({"api": "petstore", "routes": ["GET /pets"], "groups": {name: {}}})
    assert (f"api#petstore#subject#group/{escaped}", V1) in table.items()
    assert (API, f"subject#group/{escaped}") in table.items()


def test_two_apis_share_a_table(table: Table) -> None:
    publish(FIRST)
    publish(FIRST.replace("petstore", "petstore2"))
    publish(SECOND)
    assert (table.get(API, "head")["version"], table.get("api#petstore2", "head")["version"]) == (2, 1)
    assert PermissionService(opened(), Clock()).plan(document(FIRST.replace("petstore", "petstore2"))).is_empty


def test_an_export_is_what_a_plan_takes_for_the_same(table: Table) -> None:
    bound = {"route": "GET /pets/{petId}", "where": {"petId": "sub"}, "until": "2027-12-01T00:00:00+02:00"}
    publish(
        {
            "api": "petstore",
            "enforced": ["route"],
            "routes": ["GET /", "GET /pets", "GET /pets/{petId}", "ANY /files/{proxy+}", {"route": "GET /health", "public": True}],
            "everyone": {"allow": ["GET /pets"]},
            "groups": {"guest": {"allow": ["GET /pets/{petId}"]}, "owner": {"inherits": ["guest"], "allow": [bound], "deny": ["* /**"]}},
            "clients": {"client1": {"allow": ["GET /"]}},
            "scopes": {"pets/read": {"allow": ["GET /pets"]}},
        }
    )
    service = PermissionService(opened(), Clock())
    exported = format_document(service.published("petstore").document)
    assert exported["groups"]["owner"]["allow"] == [bound | {"until": "2027-11-30T22:00:00Z"}]
    assert {"route": "GET /health", "public": True} in exported["routes"]
    assert service.plan(document(exported)).is_empty


def test_nothing_published_is_said(table: Table) -> None:
    with pytest.raises(NotPublishedError, match="`petstore`"):
        PermissionService(opened(), Clock()).published("petstore")


def test_no_row_may_be_overwritten(table: Table) -> None:
    """Should a row of the next version exist already, for whatever reason, the change fails as a whole."""
    publish(FIRST)
    plan = PermissionService(opened(), Clock()).plan(document(SECOND))
    table.put({"pk": OWNER, "sk": V2, "schema": 1, "content": "precious"})
    before = table.items()
    with pytest.raises(TroubleError, match=f"sort key ends in `{V2}`"):
        PermissionService(opened(), Clock()).apply(plan, author="a", reason="r")
    assert table.items() == before


def test_the_record_of_a_version_may_not_be_overwritten(table: Table) -> None:
    publish(FIRST)
    plan = PermissionService(opened(), Clock()).plan(document(SECOND))
    table.put(table.get(API, f"version#{V1}") | {"sk": f"version#{V2}"})
    before = table.items()
    with pytest.raises(TroubleError, match=f"sort key ends in `{V2}`"):
        PermissionService(opened(), Clock()).apply(plan, author="a", reason="r")
    assert table.items() == before


def test_a_change_of_nearly_100_items_is_one_transaction(table: Table) -> None:
    # The record, the head, the API's name and the catalogue; and for each group a row and an entry of the registry.
    publish(many_groups(47))
    assert len(table.items()) == 4 + 2 * 47
    assert table.get(API, "head")["version"] == 1
    assert "series" not in table.get(API, f"version#{V1}")


def test_a_larger_change_is_a_series_of_versions(table: Table) -> None:
    head = publish(many_groups(100))
    records = [table.get(API, f"version#{n:012d}") for n in range(1, head.version + 1)]
    assert head.version == 3
    parts = [json.loads(record["series"]) for record in records]
    assert [(part["number"], part["total"], part["base"]) for part in parts] == [(1, 3, 0), (2, 3, 0), (3, 3, 0)]
    assert len({part["id"] for part in parts}) == 1
    assert verify_chain(table.items(), "petstore") == 3
    assert PermissionService(opened(), Clock()).published("petstore").document.subjects == document(many_groups(100)).subjects


def test_a_series_that_stopped_is_shown_and_goes_on_or_back(table: Table, wire: AwsCalls) -> None:
    publish(many_groups(1))
    service = PermissionService(opened(), Clock())
    plan = service.plan(document(many_groups(150)))
    assert len(plan.steps) > 2
    writes = iter(range(10))
    wire.rule = lambda call: error("InternalServerError", 500) if call.operation == "TransactWriteItems" and next(writes) > 0 else None
    with pytest.raises(TroubleError):
        service.apply(plan, author="a", reason="r")
    wire.rule = None
    unfinished = service.plan(document(many_groups(150)), 0).unfinished
    assert unfinished is not None
    assert (unfinished.number, unfinished.total, unfinished.base) == (1, len(plan.steps), 1)
    with pytest.raises(NotPublishedError, match=r"version 2 is part 1 of .*: go back to version 1 before it"):
        service.plan_rollback("petstore", 2)
    on = service.plan(document(many_groups(150)))
    assert on.unfinished == unfinished
    service.apply(on, author="a", reason="go on")
    assert service.plan(document(many_groups(1)), 0).unfinished is None
    assert service.published("petstore").document.subjects == document(many_groups(150)).subjects
    newest = service.published("petstore").record
    assert newest.series is not None
    assert newest.series.base == 1
    service.apply(service.plan_rollback("petstore", 1), author="a", reason="go back")
    assert service.published("petstore").document.subjects == document(many_groups(1)).subjects


def test_a_row_of_more_than_400_kb_is_refused(table: Table) -> None:
    publish(many_groups(1))
    before = table.items()
    service = PermissionService(opened(), Clock())
    routes = [f"GET /{'x' * 200}/{n}" for n in range(2000)]
    with pytest.raises(ChangeTooLargeError, match=re.escape("`api#petstore#routes`")):
        service.apply(service.plan(document(many_groups(1, "* /**") | {"routes": routes})), author="a", reason="r")
    assert table.items() == before


def test_a_change_of_more_than_4_mb_is_a_series_too(table: Table) -> None:
    """Each row for itself passes."""
    route = "GET /" + "x" * 240
    allow = [{"route": route, "until": f"2030-01-01T{h:02d}:{m:02d}:00Z"} for h in range(20) for m in range(60)]
    head = publish({"api": "petstore", "routes": [route], "groups": {f"g{n}": {"allow": allow} for n in range(11)}})
    assert head.version == 2
    assert verify_chain(table.items(), "petstore") == 2


def test_a_record_of_more_than_400_kb_is_refused_or_shortened(table: Table) -> None:
    """Long names make long sentences: what the record says of access must not be what keeps a change from being published."""
    routes = [f"GET /{'x' * 100}/{n}" for n in range(20)]
    groups = {"🦊" * 250 + str(n): {"allow": ["* /**"]} for n in range(40)}
    publish({"api": "petstore", "routes": routes, "groups": groups})
    record = table.get(API, f"version#{V1}")
    assert sum(len(name) + len(str(value).encode()) for name, value in record.items()) < 400_000
    assert "more" in json.loads(record["changes"])[-1]

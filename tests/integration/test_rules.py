"""The rules of a document in the table: versioned with it, judged whenever it is published, and read by no authorizer."""

import json

import pytest

from admin_api.publishing import series
from admin_api.publishing.service import PermissionService
from admin_api.table import writer
from admin_api.table.version_record import Authorship
from authorizer.errors import TroubleError
from authorizer.policy.document import Rule
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError
from authorizer.table.cache import PermissionCache
from tests.integration.publications import API, FIRST, V1, V2, V3
from tests.support.aws_calls import AwsCalls
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Table, document, opened, publish

RULES = "api#petstore#rules"
RULED = FIRST + "rules: [{never: guest -> POST /**}]\n"
WIDER = FIRST.replace("[GET /pets]}", "[GET /pets, POST /pets]}")
BROKEN = "the rule `never: guest -> POST /**` is broken: group/guest may POST /pets by group/guest allow POST /pets"


def service() -> PermissionService:
    return PermissionService(opened(), Clock())


def refused(source: str) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as caught:
        service().plan(document(source))
    return [(problem.pointer, problem.message) for problem in caught.value.problems]


def test_rules_have_a_row_of_their_own_and_every_other_row_is_as_before(table: Table) -> None:
    publish(FIRST)
    before = table.items()
    publish(RULED)
    after = table.items()
    assert set(after) - set(before) == {(API, f"version#{V2}"), (RULES, V2)}
    assert json.loads(after[RULES, V2]["content"]) == [{"never": "guest -> POST /**"}]
    assert json.loads(after[API, f"version#{V2}"]["changes"]) == ["rule added: never: guest -> POST /**"]
    assert service().published("petstore").document.rules == (Rule("never", "guest -> POST /**"),)
    publish(FIRST)
    assert json.loads(table.get(API, f"version#{V3}")["changes"]) == ["rule removed: never: guest -> POST /**"]
    assert "content" not in table.get(RULES, V3)
    assert service().published("petstore").document.rules == ()
    assert service().version("petstore", 2).document.rules == (Rule("never", "guest -> POST /**"),)
    assert verify_chain(table.items(), "petstore") == 3


def test_a_document_that_breaks_its_rules_is_refused_with_the_counter_example(table: Table) -> None:
    publish(RULED)
    before = table.items()
    assert refused(WIDER + "rules: [{never: guest -> POST /**}]") == [("/rules/0", BROKEN)]
    assert refused(FIRST + "rules: [{never: guest}]") == [("/rules/0/never", "`never` is written as in `never: guest -> DELETE /**`")]
    assert table.items() == before


def test_who_takes_the_rule_out_may_and_that_is_told_first(table: Table) -> None:
    publish(RULED)
    plan = service().plan(document(WIDER))
    assert plan.rules == ("rule removed: never: guest -> POST /**",)
    assert plan.row_changes == ("group/guest: changed", "rules: removed")
    publish(WIDER)
    assert json.loads(table.get(API, f"version#{V2}")["changes"]) == [
        "rule removed: never: guest -> POST /**",
        "group/guest gains POST /pets",
    ]
    found = service().diff("petstore", 1, 2)
    assert (found.rules, list(map(str, found.access))) == (plan.rules, ["group/guest gains POST /pets"])


def test_going_back_restores_a_document_with_its_rules(table: Table) -> None:
    publish(WIDER)
    publish(RULED)
    plan = service().plan_rollback("petstore", 1)
    assert plan.rules == ("rule removed: never: guest -> POST /**",)
    service().apply(plan, author="a", reason="r")
    assert service().published("petstore").document.rules == ()
    service().apply(service().plan_rollback("petstore", 2), author="a", reason="r")
    assert service().published("petstore").document.rules == (Rule("never", "guest -> POST /**"),)


def test_going_back_to_a_version_that_breaks_its_own_rules_is_refused(table: Table) -> None:
    """An earlier release knows no rules: what it publishes leaves them where they are."""
    publish(RULED)
    ruled = service().published("petstore")
    change = writer.Change("petstore", ruled.base, _guest_of(WIDER), frozenset(), _by(), ())
    writer.TableWriter(opened()).publish(change, Clock()())
    publish(FIRST)
    with pytest.raises(DocumentError, match="group/guest may POST /pets"):
        service().plan_rollback("petstore", 2)


def _guest_of(source: str) -> dict[str, str | None]:
    return {key: content for key, content in writer.row_contents(document(source)).items() if key.endswith("group/guest")}


def _by() -> Authorship:
    return Authorship("arn:aws:iam::111122223333:user/jane", "an earlier release")


def test_an_edited_row_of_rules_is_noticed(table: Table) -> None:
    publish(RULED)
    table.change(RULES, V1, content="[]")
    with pytest.raises(TroubleError, match="somebody edited it"):
        service().published("petstore")
    publish_head = service().head("petstore")
    assert service().verify("petstore", publish_head, expected=None).damaged == (f"version 1: {RULES} {V1}",)


def test_rules_that_nobody_published_are_noticed(table: Table) -> None:
    publish(FIRST)
    table.put({"pk": RULES, "sk": V1, "schema": 1, "content": "[]"})
    assert service().verify("petstore", service().head("petstore"), expected=None).damaged == (f"{RULES} {V1}",)
    table.put({"pk": RULES, "sk": V1, "schema": 1, "content": '["never"]'})
    with pytest.raises(TroubleError, match="a rule must be a mapping"):
        service().published("petstore")


def test_an_authorizer_reads_no_rules_cold_or_warm(table: Table, wire: AwsCalls) -> None:
    guest = (PrincipalRef(RefKind.GROUP, "guest"),)
    publish(RULED)
    clock = Clock()
    cache = PermissionCache(opened(), "petstore", now=clock, refresh_seconds=10, max_stale_seconds=300)
    wire.take()
    assert cache.load(guest).version == 1
    cold = wire.take()
    publish(FIRST + "rules: [{never: guest -> DELETE /**}]")
    clock.advance(11)
    wire.take()
    assert cache.load(guest).version == 2
    warm = wire.take()
    assert [call.operation for call in warm] == ["GetItem", "Query"], "the head and the record: of what it touched nothing is served by"
    assert RULES not in {call.partition for call in (*cold, *warm)}


def test_the_rules_are_the_last_part_of_a_series() -> None:
    values = {"api": "x", "routes": ["GET /a", "GET /b"], "groups": {f"g{n}": {"allow": ["GET /a"]} for n in range(6)}}
    before = document(values | {"rules": [{"never": "g1 -> GET /b"}]})
    groups = {f"g{n}": {"allow": ["GET /b"]} for n in range(6)}
    for rules in ([], [{"never": "g1 -> GET /a"}]):
        after = document(values | {"groups": groups, "rules": rules})
        found = series.steps(before, after, frozenset(before.subjects), max_items=2, max_bytes=1_000_000)
        assert len(found) > 2
        assert ["api#x#rules" in step.rows for step in found] == [False] * (len(found) - 1) + [True]
        assert [step.document.rules for step in found] == [before.rules] * (len(found) - 1) + [after.rules]

"""Rows of the release before, as its code wrote them, and rows of this one: each reads the other's, as long as a document uses nothing new.

`vectors/releases/0.1.0.jsonl` are the items that release 0.1.0 wrote for `steps.json`, a minute apart. It is kept as it is, so
that what reads it goes on reading it.
"""

import json
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.document import format_document
from authorizer.policy.permission import EVERYONE
from authorizer.table.cache import PermissionCache
from tests.architecture.sources import ROOT
from tests.integration.caches import ADMIN, GUEST, OWNER
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Item, Table, document, opened, publish

FOLDER = ROOT / "tests/vectors/releases"
STEPS: list[dict[str, Any]] = json.loads((FOLDER / "steps.json").read_text(encoding="utf-8"))
BEFORE: list[Item] = [json.loads(line) for line in (FOLDER / "0.1.0.jsonl").read_text(encoding="utf-8").splitlines()]

NEXT: dict[str, Any] = {
    "api": "petstore",
    "routes": ["GET /pets", {"route": "GET /health", "public": True}],
    "everyone": {"allow": ["GET /pets"]},
    "groups": {"guest": {"allow": [{"route": "* /**", "except": ["GET /health"]}]}, "Domain Admins": {"allow": ["GET /pets"]}},
    "clients": {"5thirdparty": {"delegated": True}},
    "rules": [{"never": "guest -> DELETE /**"}],
}
"""A document with what release 0.1.0 does not know."""


@pytest.fixture
def older(table: Table) -> Table:
    """A table as release 0.1.0 left it."""
    for item in BEFORE:
        table.put(item)
    return table


def held(clock: Clock) -> dict[str, list[str]]:
    cache = PermissionCache(opened(), "petstore", now=clock, refresh_seconds=10, max_stale_seconds=300)
    return {ref.name: sorted(p.id for p in cache.load([EVERYONE, ref]).permissions) for ref in (GUEST, OWNER, ADMIN)}


HELD = {
    "guest": ["everyone allow GET /pets"],
    "owner": ["everyone allow GET /pets", "group/owner allow GET /owners/{ownerId}/pets where {ownerId} = sub"],
    "admin": ["everyone allow GET /pets", "group/admin allow * /**"],
}


def test_this_release_serves_what_the_one_before_wrote(older: Table, clock: Clock) -> None:
    assert held(clock) == HELD
    cache = PermissionCache(opened(), "petstore", now=clock, refresh_seconds=10, max_stale_seconds=300)
    loaded = cache.load([EVERYONE])
    assert (loaded.version, [entry.value for entry in loaded.denylist.entries()]) == (5, ["5reporting"])


def test_this_release_knows_the_history_of_the_one_before_and_goes_on(older: Table, clock: Clock) -> None:
    service = PermissionService(opened(), clock)
    assert [record.reason for record in service.history("petstore")] == ["found", "leaked", "the second", "lost phone", "the first"]
    assert service.verify("petstore", service.head("petstore"), expected=None).damaged == ()
    assert format_document(service.published("petstore").document) == format_document(document(STEPS[2]["document"]))
    assert format_document(service.version("petstore", 1).document) == format_document(document(STEPS[0]["document"]))
    warm = PermissionCache(opened(), "petstore", now=clock, refresh_seconds=10, max_stale_seconds=300)
    assert warm.load([EVERYONE, GUEST]).version == 5
    publish(NEXT)
    clock.advance(10)
    assert "group/guest allow * /**" in " ".join(p.id for p in warm.load([EVERYONE, GUEST]).permissions)
    assert service.verify("petstore", service.head("petstore"), expected=None).damaged == ()
    service.add_entry("petstore", DenylistKind.JTI, "j", author="jane", reason="x", expires_at=2_000_000_000)
    assert verify_chain(older.items(), "petstore") == 7


def test_what_this_release_writes_of_such_a_document_is_what_the_one_before_wrote(table: Table, clock: Clock) -> None:
    """But for `origin`, which no hash covers and which readers that do not know it skip. So a release can be taken back as long as nothing new is published."""
    service = PermissionService(opened(), clock)
    for step in STEPS:
        clock.advance(60)
        by = {"author": step["author"], "reason": step["reason"]}
        if "document" in step:
            plan = service.plan(document(step["document"]))
            service.apply(plan, **by, on_behalf_of=step.get("on_behalf_of"))
        elif "deny" in step:
            kind, value = step["deny"]
            more = {name: step[name] for name in ("expires_at", "issued_before") if name in step}
            service.add_entry("petstore", DenylistKind(kind), value, **by, **more)
        else:
            kind, value = step["undeny"]
            service.remove_entry("petstore", DenylistKind(kind), value, **by)
    written = [{name: value for name, value in item.items() if name != "origin"} for item in table.items().values()]
    assert sorted(written, key=lambda item: (item["pk"], item["sk"])) == sorted(BEFORE, key=lambda item: (item["pk"], item["sk"]))


def test_the_older_rows_have_no_more_than_the_older_release_wrote() -> None:
    """A fixture that was renewed by a later release would prove nothing."""
    assert {name for item in BEFORE for name in item} == {
        *("pk", "sk", "schema", "version", "hash", "denylist_stamp", "updated_at", "author", "on_behalf_of", "reason", "time", "changes"),
        *("touched", "parent_hash", "denylist", "kind", "name", "content", "value", "expires_at"),
    }
    assert not any(item["pk"].endswith("#rules") for item in BEFORE)

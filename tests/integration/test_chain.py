"""The chain of hashes: any edit of history shows."""

import hashlib
import json
from collections.abc import Callable

import pytest

from admin_api.publishing.service import PermissionService
from tests.integration.publications import API, FIRST, GUEST, SECOND, V1, V2
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Item, Table, document, opened, publish


@pytest.fixture
def history(table: Table) -> Table:
    """Three versions with every kind of item: new, changed, removed, and names of all alphabets."""
    publish(FIRST)
    publish(SECOND.replace("owner", '"🦊\u00e9/#"'))
    service = PermissionService(opened(), Clock(1_800_000_500.25))
    service.apply(service.plan(document(FIRST)), author="arn:aws:sts::1:assumed-role/ci", on_behalf_of="Jane", reason='back "again"\n é🦊')
    return table


def test_the_chain_holds(history: Table) -> None:
    assert verify_chain(history.items(), "petstore") == 3


def test_the_head_that_publish_returns_is_the_one_written(table: Table) -> None:
    head = publish(FIRST)
    assert table.get(API, "head")["hash"] == head.hash
    assert table.get(API, f"version#{V1}")["hash"] == head.hash


def edited(name: str, value: object) -> Callable[[Item], Item]:
    return lambda item: item | {name: value}


@pytest.mark.parametrize(
    ("key", "edit"),
    [
        ((GUEST, V1), edited("content", '{"ancestors":[],"held":{"allow":["* /**"]}}')),
        ((API, f"version#{V1}"), edited("author", "nobody")),
        ((API, f"version#{V1}"), edited("reason", "another")),
        ((API, f"version#{V1}"), edited("time", "2020-01-01T00:00:00Z")),
        ((API, f"version#{V1}"), edited("changes", "[]")),
        ((API, f"version#{V1}"), edited("on_behalf_of", "somebody")),
        ((API, f"version#{V2}"), edited("parent_hash", "")),
        ((API, f"version#{V2}"), edited("touched", "[]")),
        ((API, "subject#group/guest"), edited("kind", "client")),
    ],
)
def test_each_edit_shows(history: Table, key: tuple[str, str], edit: Callable[[Item], Item]) -> None:
    """This is a test of the test's own verifier: one that sees nothing proves nothing."""
    items = history.items()
    items[key] = edit(items[key])
    with pytest.raises(AssertionError):
        verify_chain(items, "petstore")


def test_the_hash_is_as_the_design_says(table: Table) -> None:
    """By hand, for one version: the chain's first link as literal text."""
    publish("{api: a, routes: [GET /]}", clock=Clock(0), author="me", reason="why")
    content = '{"routes":["GET /"]}'
    row = json.dumps({"content": content, "pk": "api#a#routes", "schema": 1, "sk": V1}, separators=(",", ":"))
    touched = f'[["api#a#routes","{V1}","{hashlib.sha256(row.encode()).hexdigest()}"]]'
    record = (
        '{"api":"a","author":"me","changes":[],"on_behalf_of":null,"parent_hash":"","reason":"why",'
        f'"time":"1970-01-01T00:00:00Z","touched":{touched},"version":1}}'
    )
    assert table.get("api#a", "head")["hash"] == hashlib.sha256(record.encode()).hexdigest()

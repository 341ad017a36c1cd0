"""Rows that are gone or cannot be read: what they said is never guessed, and nothing is built on it."""

from typing import Any

import pytest

from tests.integration.rest.client import Client, pets
from tests.support.tables import Table


def test_a_document_without_a_catalogue_is_damaged_not_empty(client: Client, table: Table, shop: str) -> None:
    table.delete(f"api#{shop}#routes", "000000000001")
    before = table.items()
    for path in ("", "/routes", "/document", "/matrix"):
        client.get(f"/v1/apis/{shop}{path}").problem(500, "damaged")
    client.put(f"/v1/apis/{shop}/document", pets(shop), if_match="*").problem(500, "damaged")
    assert table.items() == before


@pytest.mark.parametrize("content", ["{", '{"held":{"allow":["GET"]},"ancestors":[]}', 5])
def test_a_row_that_cannot_be_read_is_damaged_not_left_out(client: Client, table: Table, shop: str, content: Any) -> None:
    """It could be the deny."""
    table.change(f"api#{shop}#subject#client/job", "000000000001", content=content)
    before = table.items()
    for path in ("/document", "/subjects/clients/job", "/subjects", "/versions/1", "/matrix"):
        client.get(f"/v1/apis/{shop}{path}").problem(500, "damaged")
    client.put(f"/v1/apis/{shop}/subjects/clients/job", {}, if_match="*").problem(500, "damaged")
    assert table.items() == before

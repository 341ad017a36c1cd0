"""The rules of a document hold at every door of the admin API: whatever breaks one is refused with what breaks it, and nothing is written."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.rest.client import Client, pets
from tests.integration.rest.conftest import Rest

RULES = [{"never": "owner -> DELETE /**"}, {"never": {"subjects": ["guest"], "routes": "PUT /pets"}}]
REMOVED = ["rule removed: never: owner -> DELETE /**", "rule removed: never: [guest] -> PUT /pets"]


def ruled(api: str, **changes: Any) -> dict[str, Any]:
    """`everyone` may `* /pets`, which a deny takes from guests where it would be `PUT`."""
    groups = {"guest": {"deny": ["PUT /pets"]}, "owner": {"inherits": ["guest"]}, "late": {"allow": ["DELETE /pets/{petId}"]}}
    routes = ["GET /pets", "PUT /pets", "DELETE /pets/{petId}", "GET /pets/{petId}"]
    return pets(api, routes=routes, everyone={"allow": ["* /pets"]}, groups=groups, clients={}, scopes={}, rules=RULES, **changes)


@pytest.fixture
def held(client: Client, name: str) -> str:
    """An API whose document has rules."""
    client.publish(ruled(name))
    return name


WAYS: dict[str, tuple[str, str, Callable[[str], Any], list[str]]] = {
    "the document": ("PUT", "document", lambda api: {**ruled(api), "everyone": {"allow": ["* /**"]}}, ["/rules/0"]),
    "a patch": ("PATCH", "document", lambda _: {"groups": {"owner": {"inherits": ["guest", "late"]}}}, ["/rules/0"]),
    "a subject": ("PUT", "subjects/groups/owner", lambda _: {"allow": ["DELETE /**"]}, ["/rules/0"]),
    "a subject that guests inherit from": ("PUT", "subjects/everyone/-", lambda _: {"allow": ["DELETE /pets/{petId}"]}, ["/rules/0"]),
    "the routes": ("PUT", "routes", lambda _: {"routes": ["GET /pets", "PUT /pets", "DELETE /pets", "DELETE /pets/{petId}"]}, ["/rules/0"]),
}


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_what_breaks_a_rule_is_refused_at_every_door(rest: Rest, held: str, way: str, *, dry: bool) -> None:
    method, place, body, pointers = WAYS[way]
    before = rest.table.items()
    reply = rest.client.call(method, f"/v1/apis/{held}/{place}", body(held), if_match="*", query={"dry_run": "true"} if dry else {})
    problem = reply.problem(422, "invalid-document")
    assert reply.pointers() == pointers
    assert problem["problems"][0]["message"].startswith("the rule `never: owner -> DELETE /**` is broken: group/owner may DELETE /pets")
    assert rest.table.items() == before


def test_a_subject_whose_deny_holds_a_rule_cannot_be_removed(rest: Rest, held: str) -> None:
    rest.client.put(f"/v1/apis/{held}/subjects/groups/owner", {}, if_match="*")
    before = rest.table.items()
    reply = rest.client.delete(f"/v1/apis/{held}/subjects/groups/guest", if_match="*")
    assert reply.problem(422, "invalid-document")["problems"] == [
        {
            "pointer": "/rules/1",
            "message": "the rule `never: [guest] -> PUT /pets` is broken: group/guest may PUT /pets by everyone allow * /pets",
        }
    ]
    assert rest.table.items() == before


def test_an_edit_of_one_part_keeps_the_rules(client: Client, held: str) -> None:
    assert client.put(f"/v1/apis/{held}/subjects/groups/late", {}, if_match="*").body["rules"] == []
    assert client.put(f"/v1/apis/{held}/routes", {"routes": ruled(held)["routes"][:3]}, if_match="*").status == 200
    assert client.get(f"/v1/apis/{held}/document").body["rules"] == RULES


def test_rules_that_change_are_told_first(client: Client, held: str) -> None:
    path = f"/v1/apis/{held}"
    reply = client.patch(f"{path}/document", {"rules": None, "groups": {"owner": {"allow": ["DELETE /**"]}}}, if_match="*")
    assert (reply.status, reply.body["rules"]) == (200, REMOVED)
    assert client.get(f"{path}/versions").body["versions"][0]["changes"] == [*REMOVED, "group/owner gains DELETE /pets/{petId}"]
    assert client.get(f"{path}/versions/1/diff", to="2").body["rules"] == REMOVED
    stale = client.delete(f"{path}/subjects/groups/late", if_match=f'"1-{client.get(f"{path}/versions/1").body["hash"][:8]}"')
    assert stale.body["changes"][:2] == REMOVED
    back = client.post(f"{path}/versions/1/rollback", if_match="*")
    assert back.body["rules"] == [sentence.replace("removed", "added") for sentence in REMOVED]
    assert client.get(f"{path}/document").body["rules"] == RULES


def test_a_rule_that_means_nothing_is_refused_in_its_place(client: Client, held: str) -> None:
    reply = client.patch(f"/v1/apis/{held}/document", {"rules": [*RULES, {"never": "guest"}]}, if_match="*")
    reply.problem(422, "invalid-document")
    assert reply.pointers() == ["/rules/2/never"]

"""Single subjects, of every kind and name: read, replaced, added and removed, each at one place only; and lists of them in pages."""

import base64
from typing import Any

import pytest

from tests.integration.rest.client import Client, pets
from tests.support.tables import Table


def place(name: str) -> str:
    return "~" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


SUBJECTS = [
    ("group", "..", "groups/~Li4"),
    ("group", "ünï/cödé~%2F", f"groups/{place('ünï/cödé~%2F')}"),
    ("client", "5example2client3id", "clients/5example2client3id"),
    ("scope", "https://api.example/pets?all", f"scopes/{place('https://api.example/pets?all')}"),
    ("everyone", "", "everyone/-"),
]


@pytest.mark.parametrize(("kind", "subject", "where"), SUBJECTS)
def test_a_subject_is_added_read_and_removed(client: Client, name: str, kind: str, subject: str, where: str) -> None:
    client.publish({"api": name, "routes": ["GET /pets", "POST /pets"], "groups": {"parent": {}}})
    path = f"/v1/apis/{name}/subjects/{where}"
    held: dict[str, Any] = {"allow": ["GET /pets"], "deny": ["POST /pets"]} | ({"inherits": ["parent"]} if kind == "group" else {})
    added = client.put(path, held, if_match="*")
    assert (added.status, added.body["version"]) == (201, 2)
    read = client.get(path)
    assert read.tag == added.tag
    ancestors = held.get("inherits", [])
    assert read.body == {"kind": kind, "name": subject, "place": where, "held": {"inherits": [], **held}, "ancestors": ancestors}
    assert client.put(path, {"allow": ["POST /pets"]}, if_match=read.tag).status == 200
    listed = client.get(f"/v1/apis/{name}/subjects").body["subjects"]
    assert {"kind": kind, "name": subject, "place": where, "allows": 1, "denies": 0, "inherits": []} in listed
    assert client.delete(path, if_match="*").body["access"][0]["subject"] == (f"{kind}/{subject}" if subject else "everyone")
    client.get(path).problem(404, "not-found")
    client.delete(path, if_match="*").problem(404, "not-found")
    assert [s["place"] for s in client.get(f"/v1/apis/{name}/subjects").body["subjects"]] == ["groups/parent"]
    assert client.put(path, {}, if_match="*").status == 201


@pytest.mark.parametrize(
    "where",
    [
        *(
            "groups/~Z3Vlc3Q",
            "groups/~Z3Vlc3Q=",
            "groups/~Z3Vlc3R",
            "groups/~",
            "groups/~//8",
            "groups/~_w",
            "groups/guest%20",
            "groups/gu est",
        ),
        *("group/guest", "Groups/guest", "everyone/everyone", "everyone/~LQ", "everyone/guest", "users/guest", "scopes/pets%2Fread"),
    ],
)
def test_a_subject_has_one_spelling(client: Client, table: Table, standing: str, where: str) -> None:
    """`guest` in base64, bits left over, bytes that are no text: what two readers could take for two subjects is nobody's name."""
    before = table.items()
    for reply in (
        client.get(f"/v1/apis/{standing}/subjects/{where}"),
        client.put(f"/v1/apis/{standing}/subjects/{where}", {}, if_match="*"),
        client.delete(f"/v1/apis/{standing}/subjects/{where}", if_match="*"),
    ):
        reply.problem(404, "not-found")
    assert table.items() == before


def test_a_group_that_others_inherit_from_stays(client: Client, table: Table, standing: str) -> None:
    before = table.items()
    reply = client.delete(f"/v1/apis/{standing}/subjects/groups/guest", if_match="*")
    assert "there is no group `guest` to inherit from" in reply.problem(422, "invalid-document")["problems"][0]["message"]
    assert reply.pointers() == ["/groups/owner/inherits"]
    assert table.items() == before


@pytest.mark.parametrize(
    ("where", "held", "places"),
    [
        ("groups/guest", {"allow": ["GET /cats", "GET /pets", "FETCH /pets"]}, ["/allow/2", "/allow/0"]),
        ("groups/guest", {"inherits": ["nobody"]}, ["/inherits"]),
        ("groups/guest", {"allow": "GET /pets"}, ["/allow"]),
        ("groups/guest", {"allow": [{"route": "GET /pets/{petId}", "where": {}}]}, ["/allow/0/where"]),
        ("groups/guest", {"deny": [{"route": "GET /pets/{petId}", "where": {"petId": "sub"}}]}, ["/deny/0/where"]),
        ("groups/guest", {"allow": [{"route": "GET /pets", "until": "tomorrow"}]}, ["/allow/0/until"]),
        ("clients/job", {"inherits": ["guest"]}, ["/inherits"]),
        ("everyone/-", {"inherits": ["guest"]}, ["/inherits"]),
        (f"groups/{place('a/b')}", {"alow": []}, ["/alow"]),
    ],
)
def test_mistakes_have_their_places_in_what_was_sent(
    client: Client, table: Table, standing: str, where: str, held: Any, places: list[str]
) -> None:
    before = table.items()
    reply = client.put(f"/v1/apis/{standing}/subjects/{where}", held, if_match="*")
    reply.problem(422, "invalid-document")
    assert reply.pointers() == places
    assert table.items() == before


def test_lists_come_in_pages_that_neither_repeat_nor_skip(client: Client, name: str) -> None:
    groups = {f"g{n}": {"allow": ["GET /pets"]} for n in range(7)}
    client.publish(pets(name, groups=groups))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"/v1/apis/{name}/subjects", limit="3", **cursor).body
        assert len(page["subjects"]) <= 3
        seen += [subject["place"] for subject in page["subjects"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        # What goes between two pages takes nobody else with it.
        if "groups/g2" in seen and client.get(f"/v1/apis/{name}/subjects/groups/g2").status == 200:
            client.delete(f"/v1/apis/{name}/subjects/groups/g2", if_match="*")
    assert seen == ["clients/job", "everyone/-", *(f"groups/g{n}" for n in range(7)), f"scopes/{place('pets/read')}"]

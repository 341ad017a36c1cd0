"""Casbin policies: roles that are groups, patterns that are whole routes, and a word for everything that no document says."""

from pathlib import Path
from typing import Any

import pytest

from admin_api.importers.casbin import ALL_ARE_GROUPS, document_of_casbin, read_policy_file, routes_of_policy
from admin_api.importers.casbin_model import CasbinModel, read_model
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError
from admin_api.importers.route_list import RouteList

ROUTES = ("GET /pets", "POST /pets", "GET /pets/{id}", "DELETE /pets/{id}", "GET /pets/mine", "GET /files/{proxy+}", "GET /")
MODEL = """\
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act{eft}

[role_definition]
g = _, _

[policy_effect]
e = {effect}

[matchers]
m = {matcher}
"""
ALLOW, DENY = "some(where (p.eft == allow))", "some(where (p.eft == allow)) && !some(where (p.eft == deny))"
EXACT = CasbinModel("==", "==", any_action=False)
G = "g, alice, r\n"


def found(*routes: str) -> FoundRoutes:
    listed = RouteList()
    for number, text in enumerate(routes, 1):
        method, path = text.split()
        listed.add(method, path, f"routes.txt:{number}")
    return FoundRoutes("pets", listed.found())


def made(tmp_path: Path, text: str, model: CasbinModel | None = None, routes: tuple[str, ...] | None = ROUTES, **more: Any) -> Imported:
    (tmp_path / "policy.csv").write_text(text)
    used = model or CasbinModel()
    policy = read_policy_file(tmp_path / "policy.csv", used)
    return document_of_casbin(policy, used, routes_of_policy(policy) if routes is None else found(*routes), **more)


def left(imported: Imported) -> str:
    return "\n".join(map(str, imported.not_taken))


@pytest.mark.parametrize(
    ("function", "line", "expected"),
    [
        ("keyMatch2", "/pets, GET", ["GET /pets"]),
        ("keyMatch2", "/pets/:id, GET", ["GET /pets/mine", "GET /pets/{id}"]),
        ("keyMatch2", "/pets/*, (GET)|(DELETE)", ["* /pets/{id}", "GET /pets/mine"]),
        ("keyMatch2", "/pets, GET|POST", ["* /pets"]),
        ("keyMatch2", "/pets, ^(GET|POST)$", ["* /pets"]),
        ("keyMatch2", "/pets, get", ["GET /pets"]),
        ("keyMatch2", "/*, .*", ["* /**"]),
        ("keyMatch2", "*, *", ["* /**"]),
        ("keyMatch2", "/files/*, GET", ["GET /files/{proxy+}"]),
        ("keyMatch2", "/, GET", ["GET /"]),
        # A regular expression to `keyMatch2`: the dot is any character.
        ("keyMatch2", "/pets/min., GET", ["GET /pets/mine"]),
        ("keyMatch3", "/pets/{id}, DELETE", ["DELETE /pets/{id}"]),
        ("keyMatch4", "/pets/{id}, DELETE", ["DELETE /pets/{id}"]),
        ("keyMatch", "/pets*, GET", ["GET /pets/**"]),
        ("keyMatch", "/pets/*, GET", ["GET /pets/mine", "GET /pets/{id}"]),
        ("keyMatch", "/pets/:id, DELETE", ["DELETE /pets/{id}"]),
        ("==", "/pets/:id, DELETE", ["DELETE /pets/{id}"]),
        ("==", "/pets/mine, GET", ["GET /pets/mine"]),
    ],
)
def test_an_object_gives_the_routes_of_which_it_means_every_request(tmp_path: Path, function: str, line: str, expected: list[str]) -> None:
    imported = made(tmp_path, f"{G}p, r, {line}\n", CasbinModel(function))
    assert sorted(imported.document["groups"]["r"].get("allow", [])) == expected


@pytest.mark.parametrize(
    ("model", "line", "words"),
    [
        (CasbinModel(), "/pets/7, GET", "means a part only of `GET /pets/{id}` (`/pets/7`): not taken"),
        (CasbinModel(), "/pets/, GET", "means no request of any route"),
        (CasbinModel(), "/owners, GET", "means no request of any route"),
        (CasbinModel(), "/pets, TRACE", "its action `TRACE` is no method of HTTP"),
        (CasbinModel(), "/pets, (", "its action `(` is no method of HTTP"),
        (CasbinModel(), f"/pets, {'(GET)' * 50}", "is no method of HTTP"),
        (CasbinModel(), "data1, GET", "its object `data1` is no path"),
        (CasbinModel(), "/pets/(a|b), GET", "is no path, or no pattern"),
        (CasbinModel(), "/pets*, GET", "is no path, or no pattern"),
        (CasbinModel("keyMatch4"), "/pets/{id}/of/{id}, GET", "is no path, or no pattern"),
        (CasbinModel("regexMatch"), "/pets, GET", "is no path, or no pattern"),
        (EXACT, "/pets, *", "its action `*` is no method"),
        (EXACT, "*, GET", "is no path"),
        (EXACT, "/pets/*, GET", "means a part only of `GET /pets/{id}` (`/pets/*`)"),
        (EXACT, "/pets/x:id, GET", "(`/pets/x:id`)"),
    ],
)
def test_what_no_document_says_is_named_and_never_widened(tmp_path: Path, model: CasbinModel, line: str, words: str) -> None:
    imported = made(tmp_path, f"{G}p, r, {line}\n", model)
    assert imported.document["groups"] == {"r": {}}
    assert imported.not_taken[0].place == "policy.csv:2"
    assert words in left(imported)


@pytest.mark.parametrize(
    ("line", "expected", "words"),
    [
        ("/pets/:id, DELETE", ["DELETE /pets/{id}"], ""),
        ("/pets/7, (GET)|(DELETE)", ["* /pets/{id}"], "denied whole"),
        ("data1, GET", ["* /**"], "the deny is taken as one of every route: its object `data1`"),
        ("/pets, write", ["* /**"], "the deny is taken as one of every route: its action `write`"),
        ("/owners, GET", None, "means no request of any route"),
        ("/pets/, GET", ["GET /pets"], ""),
        ("/pets/:id/, GET", ["GET /pets/mine", "GET /pets/{id}"], ""),
    ],
)
def test_a_deny_is_never_narrower(tmp_path: Path, line: str, expected: list[str] | None, words: str) -> None:
    imported = made(tmp_path, f"{G}p, r, *, *\np, r, {line}, deny\n")
    assert sorted(imported.document["groups"]["r"].get("deny", [])) == (expected or [])
    assert words in left(imported)
    assert bool(imported.not_taken) is bool(words)


def test_roles_of_roles_are_written_out_and_said(tmp_path: Path) -> None:
    """In circles too."""
    policy = (
        "p, reader, /pets, GET\np, editor, /pets, POST\np, reader, /pets/:id, DELETE, deny\n"
        "g, alice, boss\ng, boss, editor\ng, editor, reader\ng, reader, editor\ng, bob, reader\n"
    )
    imported = made(tmp_path, policy)
    both = {"allow": ["* /pets"], "deny": ["DELETE /pets/{id}"]}
    assert imported.document["groups"] == {"boss": both, "editor": both, "reader": both}
    said = "\n".join(imported.notes)
    assert "group boss: what it has of the roles editor, reader is written out under it" in said
    assert "2 users have roles by `g` lines (alice, bob)" in said
    assert imported.not_taken == ()


def test_lines_of_users_are_left_and_told(tmp_path: Path) -> None:
    imported = made(tmp_path, f"{G}p, r, /pets, GET\np, alice, /pets, POST\np, bob, *, *, deny\n")
    assert imported.document["groups"] == {"r": {"allow": ["GET /pets"]}}
    assert "policy.csv:3: `alice` is a user, or a role" in left(imported)
    assert "policy.csv:4: the deny is NOT taken, so that the document is wider there: `bob`" in left(imported)
    imported = made(tmp_path, f"{G}p, r, /pets, GET\np, alice, /pets, POST\n", groups=["alice"])
    assert imported.document["groups"] == {"alice": {"allow": ["* /pets"]}, "r": {"allow": ["GET /pets"]}}


def test_without_roles_each_subject_is_a_group(tmp_path: Path) -> None:
    imported = made(tmp_path, "# roles of the token\n\np, admin, *, *\n")
    assert (imported.document["groups"], ALL_ARE_GROUPS in imported.notes) == ({"admin": {"allow": ["* /**"]}}, True)
    imported = made(tmp_path, "p, r, /pets, GET\np, s, /pets, POST\ng, s, r\n", CasbinModel(has_roles=False))
    assert imported.document["groups"] == {"r": {"allow": ["GET /pets"]}, "s": {"allow": ["POST /pets"]}}


def test_denies_of_a_model_without_them_mean_nothing(tmp_path: Path) -> None:
    imported = made(tmp_path, f"{G}p, r, /pets, GET\np, r, *, *, deny\n", CasbinModel(denies=False))
    assert imported.document["groups"] == {"r": {"allow": ["GET /pets"]}}
    assert any("denies mean nothing in this model" in note for note in imported.notes)


def test_routes_may_be_those_that_the_policy_names(tmp_path: Path) -> None:
    policy = f"{G}p, r, /pets/:id, GET\np, r, /pets/7, GET\np, r, /files/*, *\np, s, *, POST\np, s, data1, GET\np, r, /a/:x.json, GET\n"
    imported = made(tmp_path, policy, routes=None)
    assert imported.document["routes"] == [
        "GET /pets/{id}",
        "GET /pets/7",
        "ANY /files/{proxy+}",
        "ANY /",
        "ANY /{proxy+}",
        "GET /a/{x.json}",
    ]
    assert imported.document["groups"]["r"]["allow"] == ["* /files/{proxy+}", "GET /pets/**", "GET /a/{x.json}"]


def test_lines_that_are_no_p_and_no_g(tmp_path: Path) -> None:
    imported = made(tmp_path, f"{G}p, r, /pets, GET\ng, alice, r, domain1\np2, r, x\ng2, /pets, things\n")
    assert [each.place for each in imported.not_taken] == ["policy.csv:3", "policy.csv:4", "policy.csv:5"]
    with pytest.raises(ImportSourceError, match=r"policy\.csv:3: the policy has denies and lines that cannot be read"):
        made(tmp_path, f"{G}p, r, /pets, GET, deny\ng2, /pets, things\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no policy is in it"),
        ("g, a, b\n", "no policy is in it"),
        ("p, r, /pets, GET\nopenapi: 3.0.0\n", r"policy\.csv:2: `openapi: 3\.0\.0` is no line of a Casbin policy"),
        (f"p, {'a' * 200_000}, /x, GET\n", "is no line of a Casbin policy"),
        ("p, a , /x, GET\np,  , /x, GET\n", "the document would be wrong at /groups/"),
    ],
)
def test_what_is_no_policy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImportSourceError, match=said):
        made(tmp_path, text)


def test_a_list_of_no_routes(tmp_path: Path) -> None:
    with pytest.raises(ImportSourceError, match="there is no route in it"):
        made(tmp_path, "p, r, data1, read\n", routes=None)


@pytest.mark.parametrize(
    ("matcher", "effect", "eft", "expected"),
    [
        ("g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)", ALLOW, "", CasbinModel(denies=False)),
        ("g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act", DENY, ", eft", CasbinModel("keyMatch", "==", any_action=False)),
        ('r.sub == p.sub && r.obj == p.obj && (r.act == p.act || p.act == "*")', DENY, ", eft", CasbinModel("==", "==", has_roles=False)),
        ("g(r.sub, p.sub) && \\\n  (r.obj == p.obj) && keyMatch(r.act, p.act)  # all", DENY, "", CasbinModel("==", "keyMatch")),
    ],
)
def test_a_model_says_how_lines_are_compared(tmp_path: Path, matcher: str, effect: str, eft: str, expected: CasbinModel) -> None:
    (tmp_path / "model.conf").write_text(MODEL.format(matcher=matcher, effect=effect, eft=eft))
    assert read_model(tmp_path / "model.conf") == expected


USUAL = "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)"


@pytest.mark.parametrize(
    ("matcher", "effect", "eft", "said"),
    [
        (f'{USUAL} || r.sub == "root"', DENY, "", r"`regexMatch\(r\.act,p\.act\)\|\|r\.sub"),
        ('g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act || p.act == "*"', DENY, "", "which no document says"),
        ('g(r.sub, p.sub) && (keyMatch2(r.obj, p.obj) || p.act == "*") && r.act == p.act', DENY, "", "which no document says"),
        ('g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && (r.act == p.act || p.act == "all")', DENY, "", "which no document says"),
        (f"{USUAL} && r.ip == p.ip", DENY, "", "which no document says"),
        (f"{USUAL} && keyMatch(r.obj, p.act)", DENY, "", "which no document says"),
        ("g(r.sub, p.sub, r.dom) && keyMatch2(r.obj, p.obj) && r.act == p.act", DENY, "", "which no document says"),
        ("g(r.sub, p.sub) && customMatch(r.obj, p.obj) && r.act == p.act", DENY, "", "which no document says"),
        ("keyMatch2(r.obj, p.obj) && r.act == p.act", DENY, "", "compares no `sub`"),
        (USUAL, "priority(p.eft) || deny", ", eft", "neither allow-override nor allow-and-deny"),
        (USUAL, "!some(where (p.eft == deny))", ", eft", "neither allow-override nor allow-and-deny"),
        (USUAL, DENY, ", dom", "have the columns sub, obj, act, dom"),
    ],
)
def test_a_model_that_no_document_says_is_refused(tmp_path: Path, matcher: str, effect: str, eft: str, said: str) -> None:
    (tmp_path / "model.conf").write_text(MODEL.format(matcher=matcher, effect=effect, eft=eft))
    with pytest.raises(ImportSourceError, match=said):
        read_model(tmp_path / "model.conf")


@pytest.mark.parametrize("text", ["", "[matchers]\n", "p, a, b, c\n"])
def test_what_is_no_model(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.conf").write_text(text)
    with pytest.raises(ImportSourceError, match=r"model\.conf: this is no Casbin model"):
        read_model(tmp_path / "model.conf")

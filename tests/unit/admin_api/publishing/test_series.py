"""Which steps a large change is split into. That no state in between grants too much is judged with random changes in `tests/properties`."""

import json
from typing import Any

import pytest

from admin_api.publishing.series import Step, steps
from admin_api.table import writer
from authorizer.policy.document import PermissionDocument, Subject, parse_document
from authorizer.policy.permission import Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.route import RouteCatalog, parse_route
from authorizer.table import keys

ROUTES = ("GET /x", "POST /x", "GET /x/{id}")
PLENTY = 1_000_000


def document(*routes: str, **groups: str) -> PermissionDocument:
    """Groups in short: `+` before a selector that is allowed, `-` before one that is denied, `^` before a parent."""
    values: dict[str, Any] = {}
    for name, text in groups.items():
        held: dict[str, list[Any]] = {"allow": [], "deny": [], "inherits": []}
        for part in filter(None, text.split(", ")):
            held[{"+": "allow", "-": "deny", "^": "inherits"}[part[0]]].append(_entry(part[1:]))
        values[name] = held
    return parse_document({"api": "x", "routes": list(routes or ROUTES), "groups": values})


def _entry(text: str) -> Any:
    selector, *conditions = text.split("; ")
    fields = dict(condition.split("=") for condition in conditions)
    where = {"where": {"id": fields["id"]}} if "id" in fields else {}
    until = {"until": fields["until"]} if "until" in fields else {}
    return {"route": selector} | where | until if conditions else selector


def told(step: Step) -> dict[str, str | None]:
    """A step's rows in short: as `document` takes them, with all ancestors as parents."""
    result: dict[str, str | None] = {}
    for key, content in step.rows.items():
        name = key.rpartition("/")[2] if "/" in key else "routes"
        result[name] = None if content is None else _short(json.loads(content))
    return result


def _short(content: dict[str, Any]) -> str:
    if "routes" in content:
        return ", ".join(content["routes"])
    held = content["held"]
    parts = [*held.get("allow", []), *(f"-{entry}" for entry in held.get("deny", [])), *(f"^{name}" for name in content["ancestors"])]
    return ", ".join(_entry_in_short(part) for part in parts)


def _entry_in_short(entry: Any) -> str:
    if isinstance(entry, str):
        return entry if entry[0] in "-^" else f"+{entry}"
    conditions = [f"{name}={value}" for name, value in {**entry.get("where", {}), "until": entry.get("until")}.items() if value]
    return "; ".join([f"+{entry['route']}", *conditions])


def series(before: PermissionDocument | None, after: PermissionDocument, max_items: int, max_bytes: int = PLENTY) -> list[Step]:
    return steps(before, after, frozenset(before.subjects if before else ()), max_items=max_items, max_bytes=max_bytes)


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


CHANGES: dict[str, tuple[PermissionDocument, PermissionDocument, list[dict[str, str | None]]]] = {
    "a deny comes before the allow that it limits": (
        document(a="", b=""),
        document(a="+POST /x", b="-POST /x"),
        [{"b": "-POST /x"}, {"a": "+POST /x"}],
    ),
    "an allow goes before the deny that limited it": (
        document(a="+POST /x", b="-POST /x"),
        document(a="", b=""),
        [{"a": ""}, {"b": ""}],
    ),
    "a deny that moves to the child is there before it is gone from the parent": (
        document(p="-GET /x", c="+* /x, ^p"),
        document(p="", c="+* /x, -GET /x, ^p"),
        [{"c": "+* /x, -GET /x, ^p"}, {"p": ""}],
    ),
    "a deny that moves to the parent is there before it is gone from the child": (
        document(p="", c="+* /x, -GET /x, ^p"),
        document(p="-GET /x", c="+* /x, ^p"),
        [{"p": "-GET /x"}, {"c": "+* /x, ^p"}],
    ),
    "a wildcard is gone before the route that it must not meet is there": (
        document("GET /x", a="+* /**"),
        document("GET /x", "POST /x", a="+GET /x"),
        [{"a": ""}, {"routes": "GET /x, POST /x"}, {"a": "+GET /x"}],
    ),
    "a wildcard comes after the route that it must not meet is gone": (
        document("GET /x", "POST /x", a="+GET /x", b=""),
        document("GET /x", a="+GET /x", b="+* /**"),
        [{"routes": "GET /x"}, {"b": "+* /**"}],
    ),
    "a condition that is dropped is another permission": (
        document(a="+GET /x/{id}; id=sub", b=""),
        document(a="+GET /x/{id}", b="-GET /x"),
        [{"a": ""}, {"b": "-GET /x"}, {"a": "+GET /x/{id}"}],
    ),
    "an end that is put off is another permission": (
        document(a="+GET /x; until=2030-01-01T00:00:00Z", b=""),
        document(a="+GET /x; until=2031-01-01T00:00:00Z", b="-POST /x"),
        [{"a": ""}, {"b": "-POST /x"}, {"a": "+GET /x; until=2031-01-01T00:00:00Z"}],
    ),
    "new parents are there before their children": (
        document(z=""),
        document(a="^b", b="^c", c="+GET /x", z=""),
        [{"c": "+GET /x"}, {"b": "^c"}, {"a": "^b, ^c"}],
    ),
    "what a new subject denies is there before others gain it": (
        document(a=""),
        document(a="+POST /x", n="+GET /x, -POST /x"),
        [{"n": "-POST /x"}, {"a": "+POST /x"}, {"n": "+GET /x, -POST /x"}],
    ),
    "a group is gone after nobody inherits from it, and its denies last": (
        document(p="+GET /x, -POST /x", c="^p", a="+POST /x"),
        document(c="+GET /x", a=""),
        [{"c": "+GET /x, -POST /x"}, {"a": ""}, {"p": "-POST /x"}, {"c": "+GET /x"}, {"p": None}],
    ),
    "groups without denies go at once": (
        document("GET /x", p="+GET /x", q="^p"),
        document("POST /x"),
        [{"q": None}, {"p": None}, {"routes": "POST /x"}],
    ),
    "many groups with denies go": (
        document(p="-GET /x", q="-GET /x", r="-GET /x"),
        document(),
        [{"p": None}, {"q": None}, {"r": None}],
    ),
    "without new routes or denies every row is written once": (
        document(a="+GET /x", b="+GET /x", c="-GET /x/{id}"),
        document(a="+POST /x", b="+POST /x", c="-GET /x/{id}"),
        [{"a": "+POST /x"}, {"b": "+POST /x"}],
    ),
    "a row that only gains is written once, as it was written before or as it shall be": (
        document(g="", p="^g", c="+GET /x, ^p", b=""),
        document(g="", p="^g", c="+GET /x, +POST /x, ^p", b="-POST /x"),
        [{"b": "-POST /x"}, {"c": "+GET /x, +POST /x, ^g, ^p"}],
    ),
    "whoever loses an ancestor keeps what it has by itself as well": (
        document(g="+* /x, -GET /x/{id}", p="^g", c="+GET /x/{id}, ^p"),
        document(g="+* /x, -GET /x/{id}", p="", c="+GET /x/{id}, +* /x, -GET /x/{id}, ^p"),
        [{"c": "+* /x, +GET /x/{id}, -GET /x/{id}"}, {"p": ""}, {"c": "+* /x, +GET /x/{id}, -GET /x/{id}, ^p"}],
    ),
    "an ancestor whose own ancestors change is not inherited from in between": (
        document(g="+POST /x", b="^g", a="^b, ^g", s="^a"),
        document(g="+POST /x", b="", a="^b, ^g", s="+GET /x, ^a"),
        [{"s": "^g"}, {"a": "^g"}, {"b": ""}, {"a": "^b, ^g"}, {"s": "+GET /x, ^a, ^b, ^g"}],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_row_at_a_time(name: str) -> None:
    before, after, expected = CHANGES[name]
    found = steps(before, after, frozenset({*before.subjects, *after.subjects}), max_items=1, max_bytes=PLENTY)
    assert [told(step) for step in found] == expected
    assert found[-1].document == after


def test_nothing_changes_in_no_steps() -> None:
    assert series(document(a="+GET /x"), document(a="+GET /x"), 2) == []


def test_a_change_that_fits_is_one_step_even_if_its_rows_in_between_would_not() -> None:
    before, after = document(g="+POST /x", b="^g", a="^b, ^g", s="^a"), document(g="+POST /x", b="", a="^b, ^g", s="^a")
    (step,) = series(before, after, 1)
    assert told(step) == {"b": ""}
    assert step.document == after


def test_a_row_that_would_be_written_twice_in_a_step_is_written_once() -> None:
    before, after = document("GET /x", a="+* /**", b=""), document("GET /x", "POST /x", a="+GET /x", b="+POST /x")
    assert [told(step) for step in series(before, after, 2)] == [
        {"a": "+GET /x", "routes": "GET /x, POST /x"},
        {"b": "+POST /x"},
    ]


def test_the_first_version_has_the_catalogue_and_each_subject_is_registered_once() -> None:
    found = series(None, document(a="+POST /x", b="+GET /x, -POST /x"), 2)
    assert [told(step) for step in found] == [
        {"routes": "GET /x, POST /x, GET /x/{id}"},
        {"b": "-POST /x"},
        {"a": "+POST /x"},
        {"b": "+GET /x, -POST /x"},
    ]
    assert [step.new_subjects for step in found] == [set(), {group("b")}, {group("a")}, set()]
    assert writer.row_contents(found[1].document) == writer.row_contents(document(b="-POST /x"))


def test_a_new_subject_counts_twice_and_one_that_has_been_there_once() -> None:
    after = document(a="+GET /x", b="+GET /x", c="+GET /x", d="+GET /x")
    new = steps(document(), after, frozenset(), max_items=4, max_bytes=PLENTY)
    assert [sorted(told(step)) for step in new] == [["a", "b"], ["c", "d"]]
    again = steps(document(), after, frozenset({group("a"), group("b")}), max_items=4, max_bytes=PLENTY)
    assert [sorted(told(step)) for step in again] == [["a", "b", "c"], ["d"]]
    assert [step.new_subjects for step in again] == [{group("c")}, {group("d")}]


def test_a_step_ends_before_its_rows_are_too_large_and_a_single_row_is_never_split() -> None:
    before, after = document(é="", a="", b="^é"), document(é="+GET /x, +POST /x", a="+GET /x", b="+GET /x, ^é")
    size = {name: len(writer.row_contents(after)[keys.subject_key("x", group(name))].encode()) for name in ("é", "a", "b")}
    limits = {
        sum(size.values()): [["%C3%A9", "a", "b"]],
        sum(size.values()) - 1: [["%C3%A9", "a"], ["b"]],
        size["a"] + size["é"]: [["%C3%A9", "a"], ["b"]],
        size["a"] + size["é"] - 1: [["a"], ["%C3%A9"], ["b"]],
        1: [["a"], ["%C3%A9"], ["b"]],
    }
    assert {limit: [sorted(told(step)) for step in series(before, after, 9, limit)] for limit in limits} == limits


def test_an_unfinished_series_goes_on_and_back() -> None:
    before, after = document("GET /x", a="+* /**"), document("GET /x", "POST /x", a="+GET /x")
    middle = series(before, after, 1)[1].document
    assert [told(step) for step in series(middle, after, 1)] == [{"a": "+GET /x"}]
    assert [told(step) for step in series(middle, before, 1)] == [{"routes": "GET /x"}, {"a": "+* /**"}]


def test_five_hundred_groups_on_three_hundred_routes_are_eleven_versions() -> None:
    routes = [f"GET /r{number:03}" for number in range(300)]
    catalog = RouteCatalog(map(parse_route, routes))
    refs = [group(f"g{number:03}") for number in range(500)]
    subjects = {ref: Subject(tuple(Permission(ref, Effect.ALLOW, route) for route in routes)) for ref in refs}
    after = PermissionDocument("x", catalog, subjects)
    found = series(None, after, 97)
    # The catalogue, 500 rows and 500 entries.
    assert [len(step.rows) + len(step.new_subjects) for step in found] == [97, *[96] * 9, 40]
    assert [len(step.document.subjects) for step in found] == [*range(48, 500, 48), 500]
    assert found[-1].document is after


def with_clients(scope: str, **clients: dict[str, Any]) -> PermissionDocument:
    return parse_document(
        {
            "api": "x",
            "routes": list(ROUTES),
            "clients": clients,
            "scopes": {"s": {"allow": [scope] if scope else []}},
            "groups": {"g": {"allow": ["GET /x"]}},
        }
    )


def delegated_in(step: Step) -> dict[str, bool]:
    """Which clients a step writes, and whether they are delegated then."""
    rows = {key.rpartition("/")[2]: json.loads(content) for key, content in step.rows.items() if "client" in key and content is not None}
    return {name: row["held"].get("delegated", False) for name, row in rows.items()}


def test_a_client_is_delegated_before_anything_is_granted_and_until_all_is() -> None:
    """Two changes at once: what is granted comes between marking the one and unmarking the other only where both are marked."""
    before = with_clients("", a={}, b={"delegated": True}, c={"allow": ["GET /x"]})
    after = with_clients("GET /x", a={"delegated": True}, b={}, c={"allow": ["POST /x"]}, d={"delegated": True})
    made = series(before, after, 1)
    order = [(name, marked) for step in made for name, marked in delegated_in(step).items()]
    assert order[:2] == [("a", True), ("c", False)]
    assert ("d", True) in order
    granting = next(number for number, step in enumerate(made) if any("scope" in key for key in step.rows))
    marked = {name for step in made[:granting] for name, is_marked in delegated_in(step).items() if is_marked}
    assert {"a", "d"} <= marked
    assert made[-1].document == after


@pytest.mark.parametrize("from_group", [True, False])
def test_where_a_client_is_delegated_an_allow_that_moves_between_the_sides_is_gone_before_it_is_there(from_group: bool) -> None:
    """What the one side loses must not be there while the other already has it, whichever comes first by its name."""
    base = {"api": "x", "routes": list(ROUTES), "clients": {"a": {"delegated": True}}}
    with_it: dict[str, Any] = {"allow": ["POST /x"]}
    without: dict[str, Any] = {}
    before, after = (
        parse_document(base | {"groups": {"g": with_it if group_has else without}, "scopes": {"s": without if group_has else with_it}})
        for group_has in (from_group, not from_group)
    )
    keys_of_sides = [keys.subject_key("x", group("g")), keys.subject_key("x", PrincipalRef(RefKind.SCOPE, "s"))]
    losing_first = keys_of_sides if from_group else keys_of_sides[::-1]
    assert [sorted(step.rows) for step in series(before, after, 1)] == [[key] for key in losing_first]


def test_a_change_that_leaves_clients_and_scopes_alone_stays_calm() -> None:
    held = {"clients": {"a": {"delegated": True}}, "scopes": {"s": {"allow": ["POST /x"]}}}
    before, after = (
        parse_document({"api": "x", "routes": list(ROUTES), "groups": {f"g{n}": {"allow": [allow]} for n in range(4)}, **held})
        for allow in ("GET /x", "POST /x")
    )
    assert len(series(before, after, 1)) == 4, "no narrow rows"

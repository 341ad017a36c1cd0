"""How invariants are written: a list of statements of one field each, read with every mistake and its place.

A statement is one text, as in `never: guest -> DELETE /**`, or `{subjects: [...], routes: ...}`, or a list of subjects where no routes are named. A subject
is a group's name, or `everyone`, `client/NAME`, `scope/NAME`, `group/NAME`; several stand between commas, in brackets or not (YAML takes a text that starts
with a bracket only in quotes). A selector may leave out the method and then means every one, or the path and then means every one.
"""

from dataclasses import dataclass

from admin_api.analysis.subjects import SubjectSyntaxError, parse_subject_ref
from authorizer.policy.document import RULE_KINDS
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import ProblemList, child
from authorizer.policy.route import WEBSOCKET, RouteSyntaxError, parse_selector

KINDS = RULE_KINDS

_EXAMPLES = {
    "never": "never: guest -> DELETE /**",
    "only": "only: admin -> /admin/**",
    "implies": "implies: POST /pets -> GET /pets",
    "equal": "equal: guest, partner",
    "disjoint": "disjoint: guest, auditor -> /**",
}

_FEWEST = {"never": (1, 1), "only": (0, 1), "implies": (0, 2), "equal": (2, 0), "disjoint": (2, 0)}
"""How many subjects and selectors each kind has at least."""

_Side = tuple[object, str]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One statement. `refs` are its subjects, `selectors` its routes, written in full."""

    kind: str
    refs: tuple[PrincipalRef, ...]
    selectors: tuple[str, ...]
    text: str


def parse_invariants(value: object, pointer: str = "") -> list[Invariant]:
    """Read a list of one-field mappings, which stands at `pointer`. Raises `DocumentError` with every problem."""
    reader = ProblemList()
    result = []
    for place, item in reader.items(value, pointer, "the invariants"):
        fields = reader.mapping(item, place, "an invariant", KINDS)
        if isinstance(item, dict) and len(item) != 1:
            reader.report(place, f"an invariant is one of {', '.join(f'`{kind}`' for kind in KINDS)}: put each behind a `- ` of its own")
        for kind, body in fields.items():
            result.append(_read_statement(reader, kind, body, child(place, kind)))
    reader.raise_if_any()
    return result


def _read_statement(reader: ProblemList, kind: str, body: object, pointer: str) -> Invariant:
    problems_before = len(reader.problems)
    sides = _sides(body, pointer)
    routes = sides if kind == "implies" else sides[1:]
    fewest_refs, fewest_selectors = _FEWEST[kind]
    is_whole = len(routes) >= fewest_selectors
    refs = _read_subjects(reader, *sides[0]) if is_whole and kind != "implies" else []
    selectors = [reader.parsed(_selector, value, at, "a route") for value, at in routes if is_whole]
    if not is_whole or (len(refs) < fewest_refs and len(reader.problems) == problems_before):
        reader.report(pointer, f"`{kind}` is written as in `{_EXAMPLES[kind]}`")
    text = f"{kind}: {' -> '.join(_words(value) for value, _ in sides)}"
    return Invariant(kind, tuple(refs), tuple(selector for selector in selectors if selector is not None), text)


def _sides(body: object, pointer: str) -> list[_Side]:
    """Return what stands before the arrow and, if there is one, behind it, each with its place."""
    if isinstance(body, str):
        return [(side.strip(), pointer) for side in body.split("->", 1)]
    if isinstance(body, dict) and set(body) == {"subjects", "routes"}:
        return [(body[field], child(pointer, field)) for field in ("subjects", "routes")]
    return [(body, pointer)]


def _read_subjects(reader: ProblemList, value: object, pointer: str) -> list[PrincipalRef]:
    named = [(pointer, name) for name in names_of(value)] if isinstance(value, str) else reader.items(value, pointer, "the subjects")
    refs = [reader.parsed(_ref, name, at, "a subject") for at, name in named]
    return [ref for ref in refs if ref is not None]


def names_of(text: str) -> list[str]:
    """Return the subjects that stand before an arrow, with or without brackets: `[guest, client/c1]` -> `guest`, `client/c1`."""
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].strip()
        if not text:
            return []
    return [name.strip() for name in text.split(",")]


def _ref(name: str) -> PrincipalRef:
    """Return the subject of a statement. A name without a kind is a group's, since most statements are about groups: `guest` -> `group/guest`."""
    kind, slash, _ = name.partition("/")
    if name != str(EVERYONE) and not (slash and kind in list(RefKind)):
        if not name:
            raise SubjectSyntaxError(f"`{name}` is no subject: write a group's name, `everyone`, `client/NAME` or `scope/NAME`")
        return PrincipalRef(RefKind.GROUP, name)
    return parse_subject_ref(name)


def _selector(text: str) -> str:
    """Return the selector in full. Raises `RouteSyntaxError`."""
    if not text:
        raise RouteSyntaxError("a route is missing beside the arrow: write a method, a path or both, as in `DELETE /**`")
    method, space, path = text.partition(" ")
    if not space:
        method, path = ("*", text) if "/" in text or text.startswith("*") else (text, "**")
    path = path.strip()
    if method == WEBSOCKET:
        path = "*" if path == "**" else path
    elif not path.startswith("/"):
        path = f"/{path}"
    parse_selector(f"{method} {path}")
    return f"{method} {path}"


def _words(side: object) -> str:
    return f"[{', '.join(map(str, side))}]" if isinstance(side, list) else str(side)

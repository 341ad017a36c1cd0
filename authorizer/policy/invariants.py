"""Statements about a document that shall hold whatever anybody edits, and the counter-examples where one does not.

    never: guest -> DELETE /**            nobody of this group may, under any condition
    only: [admin] -> /admin/**            nobody but these may
    implies: POST /pets -> GET /pets      who may the first may the second
    equal: [guest, partner]               both may the same
    disjoint: [guest, auditor] -> /**     no route that both may

What a subject may includes what it inherits and what everyone may. A subject is a group's name, or `everyone`, `client/NAME`, `scope/NAME`, `group/NAME`.
Selectors may leave out the method and then mean every one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Effect, PrincipalRef, RefKind
from authorizer.policy.problems import ProblemList, child
from authorizer.policy.route import RouteTemplate, Selector, parse_selector

KINDS = ("never", "only", "implies", "equal", "disjoint")

_Cell = tuple[str, RouteTemplate]


@dataclass(frozen=True, slots=True)
class Invariant:
    """One statement. `refs` are its subjects, `selectors` what stands before and after the arrow where those are routes."""

    kind: str
    refs: tuple[PrincipalRef, ...]
    selectors: tuple[Selector, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Violation:
    """A counter-example: who may what that the invariant excludes, or may not what it demands, and the permissions behind it."""

    invariant: str
    message: str


def parse_invariants(value: object) -> list[Invariant]:
    """Read a list of one-field mappings. Raises `DocumentError` with every problem."""
    reader = ProblemList()
    result = []
    for pointer, item in reader.items(value, "", "the invariants"):
        fields = reader.mapping(item, pointer, "an invariant", KINDS)
        if isinstance(item, dict) and len(item) != 1:
            reader.report(pointer, f"an invariant is one of {', '.join(f'`{kind}`' for kind in KINDS)}: put each behind a `- ` of its own")
        for kind, body in fields.items():
            result.append(_parse(reader, kind, body, child(pointer, kind)))
    reader.raise_if_any()
    return result


def violations(document: PermissionDocument, invariant: Invariant) -> Iterator[Violation]:
    """Every counter-example, found as they are asked for. Time-boxed and bound permissions count as access: they are for somebody, some day."""
    for message in _CHECKS[invariant.kind](document, invariant):
        yield Violation(invariant.text, message)


def _parse(reader: ProblemList, kind: str, body: object, pointer: str) -> Invariant:
    # YAML reads `[admin] -> /admin/**` as text only if it is quoted; a mapping of one list to one selector does as well.
    text = body if isinstance(body, str) else ""
    left: object = body
    right: object = None
    if isinstance(body, str):
        left, arrow, right = body.partition("->")
        right = right.strip() if arrow else None
        left = [name.strip() for name in left.strip().strip("[]").split(",")] if kind != "implies" else left.strip()
    elif isinstance(body, dict) and set(body) == {"subjects", "routes"}:
        left, right = body["subjects"], body["routes"]
        text = f"{left} -> {right}"
    selectors = []
    for part in (left, right) if kind == "implies" else (right,) if right is not None else ():
        selector = reader.parsed(_selector, part, pointer, "a selector")
        selectors += [selector] if selector is not None else []
    refs = []
    if kind != "implies":
        for _, name in reader.items([left] if isinstance(left, str) else left, pointer, "the subjects"):
            refs.append(_ref(str(name)))
    wanted = {"never": (1, 1), "only": (0, 1), "implies": (0, 2), "equal": (2, 0), "disjoint": (2, 0)}[kind]
    if len(refs) < wanted[0] or (len(selectors) < wanted[1] and not reader.problems):
        reader.report(pointer, f"`{kind}` is written as in `{_EXAMPLES[kind]}`")
    return Invariant(kind, tuple(refs), tuple(selectors), f"{kind}: {text or body}")


_EXAMPLES = {
    "never": "never: guest -> DELETE /**",
    "only": "only: [admin] -> /admin/**",
    "implies": "implies: POST /pets -> GET /pets",
    "equal": "equal: [guest, partner]",
    "disjoint": "disjoint: [guest, auditor] -> /**",
}


def _selector(text: str) -> Selector:
    method, space, path = text.partition(" ")
    if not space:
        method, path = ("*", text) if text.startswith(("/", "*")) else (text, "/**")
    return parse_selector(f"{method} {path if path.startswith('/') or method == 'WS' else '/' + path}")


def _ref(name: str) -> PrincipalRef:
    if name == str(EVERYONE):
        return EVERYONE
    kind, slash, rest = name.partition("/")
    if slash and kind in (RefKind.GROUP, RefKind.CLIENT, RefKind.SCOPE):
        return PrincipalRef(RefKind(kind), rest)
    return PrincipalRef(RefKind.GROUP, name)


def may(document: PermissionDocument, ref: PrincipalRef) -> dict[_Cell, tuple[str, ...]]:
    """What a subject may, some day and under some condition, each with the ids of the permissions behind it."""
    permissions = [*document.permissions(EVERYONE), *(document.permissions(ref) if ref != EVERYONE else ())]
    parsed = [(p, parse_selector(p.selector)) for p in permissions]
    result: dict[_Cell, tuple[str, ...]] = {}
    for cell in cells(document):
        matching = [p for p, selector in parsed if selector.matches(*cell)]
        always_denied = any(p.effect is Effect.DENY and p.until is None for p in matching)
        behind = tuple(p.id for p in matching if p.effect is Effect.ALLOW)
        if behind and not always_denied:
            result[cell] = behind
    return result


def cells(document: PermissionDocument) -> tuple[_Cell, ...]:
    """Every verb of every route that serves it."""
    return document.catalog.cells


def _name(cell: _Cell) -> str:
    return f"{cell[0]} {cell[1].path}"


def _never(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    for ref in invariant.refs:
        for cell, behind in may(document, ref).items():
            if any(selector.matches(*cell) for selector in invariant.selectors):
                yield f"{ref} may {_name(cell)} by {'; '.join(behind)}"


def _only(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    for ref in sorted({EVERYONE, *document.subjects} - set(invariant.refs)):
        for cell, behind in may(document, ref).items():
            if any(selector.matches(*cell) for selector in invariant.selectors):
                yield f"{ref} may {_name(cell)} by {'; '.join(behind)}"


def _implies(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    first, second = invariant.selectors
    wanted = [cell for cell in cells(document) if second.matches(*cell)]
    for ref in sorted({EVERYONE, *document.subjects}):
        held = may(document, ref)
        having = [cell for cell in held if first.matches(*cell)]
        for cell in wanted if having else ():
            if cell not in held:
                yield f"{ref} may {_name(having[0])} by {'; '.join(held[having[0]])}, but not {_name(cell)}"


def _equal(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    first, *others = invariant.refs
    for other in others:
        mine, theirs = may(document, first), may(document, other)
        for cell in cells(document):
            if _selected(invariant, cell) and (cell in mine) != (cell in theirs):
                having, lacking = (first, other) if cell in mine else (other, first)
                yield f"{having} may {_name(cell)} by {'; '.join((mine | theirs)[cell])}, and {lacking} may not"


def _disjoint(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    held = [may(document, ref) for ref in invariant.refs]
    for cell in cells(document):
        if _selected(invariant, cell) and all(cell in one for one in held):
            yield f"{' and '.join(map(str, invariant.refs))} all may {_name(cell)}"


def _selected(invariant: Invariant, cell: _Cell) -> bool:
    return not invariant.selectors or any(selector.matches(*cell) for selector in invariant.selectors)


_CHECKS: dict[str, Callable[[PermissionDocument, Invariant], Iterator[str]]] = {
    "never": _never,
    "only": _only,
    "implies": _implies,
    "equal": _equal,
    "disjoint": _disjoint,
}

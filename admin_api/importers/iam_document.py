"""Writes what groups may call as a document, with the proof beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin_api.importers.iam import IamSource, RoleAccess, Where, access_of_groups
from admin_api.importers.iam_policies import Cell, RouteWords
from admin_api.importers.iam_proof import Difference, differences
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError, NotTaken, document_of
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.problems import DocumentError
from authorizer.policy.route import VERBS, WEBSOCKET, RouteCatalog

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class IamImport:
    """A document, and the requests about which roles and document do not agree."""

    imported: Imported
    differences: tuple[Difference, ...]


def document_of_roles(
    source: IamSource, found: FoundRoutes, api: str | None = None, pairs: Iterable[tuple[str, ...]] | None = None
) -> IamImport:
    """Return a document with these routes and what the roles of groups allow of them. Raises `ImportSourceError`.

    `pairs` are the groups that people have together, all pairs if nobody says.
    """
    if not found.routes:
        raise ImportSourceError(f"{found.name}: there is no route in it: list every route of the API, as in `GET /pets`")
    base = document_of(found, api)
    catalog = RouteCatalog(route.route for route in found.routes)
    access, not_taken = access_of_groups(source, RouteWords(catalog, source.api))
    groups = {name: {"allow": allows} if (allows := allow_list(each, catalog)) else {} for name, each in access.items()}
    document = {**base.document, "groups": groups}
    parsed = parse_made(document)
    compared = tuple(differences(source, parsed, pairs))
    notes = [*base.notes, *_NOTES, *_narrower(compared)]
    return IamImport(Imported(document, (*base.not_taken, *not_taken, *_wider(compared)), tuple(notes)), compared)


def parse_made(document: Mapping[str, Any]) -> PermissionDocument:
    """Return the document that an import made. Raises `ImportSourceError` where the source has names that no document takes."""
    try:
        return parse_document(document)
    except DocumentError as error:
        raise ImportSourceError(f"the document would be wrong at {error.problems[0].pointer}: {error.problems[0].message}") from None


SPELLINGS = "IAM takes a path character by character, Gatebook by route: `/pets/`, `//pets` and `%70ets` are one route here and were three texts there"
_NOTES = (
    SPELLINGS,
    "service control policies and the resource policy of the API are not read: keep the latter, it holds beside an authorizer",
)


def _wider(compared: Sequence[Difference]) -> list[NotTaken]:
    result = []
    for names, each in by_groups(compared, wider=True).items():
        place = f"group{'s' * (len(names) > 1)} {' + '.join(names)}"
        roles = " or ".join(f"`{role}`" for role in each[0].roles)
        reason = f"together they may {requests_of(each)}, which the pool's one role, {roles}, denied: the document unites groups; take it out of one of them"
        result.append(NotTaken(place, f"{reason}, or accept it"))
    return result


def _narrower(compared: Sequence[Difference]) -> list[str]:
    return [
        f"group {names[0]}: the role allows {requests_of(each)}, the document does not"
        for names, each in by_groups(compared, wider=False).items()
    ]


def by_groups(compared: Sequence[Difference], *, wider: bool) -> dict[tuple[str, ...], list[Difference]]:
    """Return the differences of one kind by the groups that have them."""
    result: dict[tuple[str, ...], list[Difference]] = {}
    for each in compared:
        if each.wider is wider:
            result.setdefault(each.groups, []).append(each)
    return result


def requests_of(found: Sequence[Difference]) -> str:
    """Return some of the requests: "`GET /pets/7` and requests of 3 routes more"."""
    listed = ", ".join(f"`{each.request}`" for each in found[:_MAX_NAMED])
    return listed + (f" and requests of {len(found) - _MAX_NAMED} routes more" if len(found) > _MAX_NAMED else "")


def allow_list(access: RoleAccess, catalog: RouteCatalog) -> list[Any]:
    """Return the allows of a group, as few as are readable. Together they mean the same cells, no more and no fewer."""
    entries: list[Any] = []
    rest = set(access.free)
    for selector, cells in _open_ended(catalog):
        left_out = cells - access.free
        if not left_out or not cells <= access.before_denies or not cells & rest:
            continue
        exceptions = selectors_for(left_out, catalog)
        if 1 + len(exceptions) <= len(selectors_for(cells & rest, catalog)):
            entries.append({"route": selector, "except": exceptions})
            rest -= cells
    entries += selectors_for(rest, catalog)
    wheres: dict[tuple[str, Where], set[Cell]] = {}
    for cell, where in access.bound:
        wheres.setdefault((cell[1].path, where), set()).add(cell)
    for (_, where), cells_bound in sorted(wheres.items()):
        entries += [{"route": selector, "where": dict(where)} for selector in selectors_for(cells_bound, catalog, exact=True)]
    return entries


def selectors_for(cells: Iterable[Cell], catalog: RouteCatalog, *, exact: bool = False) -> list[str]:
    """Return selectors that mean exactly these cells: all of `/a` and `/a/{b}` -> `* /a/**`. With `exact` none has `**`."""
    wanted = frozenset(cells)
    paths = {route.path for _, route in wanted}
    verbs = ("*", *VERBS)
    texts = {
        f"{verb} {path}": False
        for verb, route in wanted
        for path in [route.path]
        for verb in (("*", verb) if verb != WEBSOCKET else (verb,))
    }
    candidates = [(text, frozenset(catalog.cells_of(text))) for text in texts]
    if not exact:
        prefixes = {prefix for path in paths for prefix in _prefixes(path)}
        opened = ((f"{verb} {prefix}/**", verb) for prefix in prefixes for verb in verbs)
        candidates += [(text, found) for text, _ in opened if len(found := frozenset(catalog.cells_of(text))) > 1]
    usable = [
        (text, found) for text, found in candidates if found <= wanted and (not text.endswith("/**") or len({r.path for _, r in found}) > 1)
    ]
    usable.sort(key=lambda each: (-len(each[1]), each[0].endswith("/**"), each[0].startswith("*"), len(each[0]), each[0]))
    rest = set(wanted)
    chosen = []
    for text, found in usable:
        if found & rest:
            chosen.append((text, found))
            rest -= found
    assert not rest  # noqa: S101 - each cell has a selector of its own
    return [text for text, _ in chosen]


def _open_ended(catalog: RouteCatalog) -> list[tuple[str, frozenset[Cell]]]:
    """Return the selectors with `**` over the catalogue, the widest first."""
    prefixes = {prefix for route in catalog.routes if route.method != WEBSOCKET for prefix in _prefixes(route.path)}
    found = [(text, frozenset(catalog.cells_of(text))) for prefix in prefixes for verb in ("*", *VERBS) for text in [f"{verb} {prefix}/**"]]
    return sorted(found, key=lambda each: (-len(each[1]), not each[0].startswith("*"), len(each[0]), each[0]))


def _prefixes(path: str) -> Iterable[str]:
    """Yield what `/**` may stand behind: `/a/{b}` -> nothing, `/a`, `/a/{b}`."""
    if not path.startswith("/"):
        return
    yield ""
    parts = path.split("/")[1:] if path != "/" else []
    yield from ("/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1) if not parts[count - 1].endswith("+}"))

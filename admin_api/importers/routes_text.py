"""A plain list of routes, one per line, in any notation whose meaning is certain."""

from pathlib import Path

from admin_api.importers.imported import FoundRoutes, ImportSourceError
from admin_api.importers.route_list import RouteList
from authorizer.policy.route import DEFAULT_ROUTE


def read_routes(path: Path) -> FoundRoutes:
    """Return the routes of a file. Empty lines and lines that start with `#` count for nothing. Raises `ImportSourceError`, `OSError`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportSourceError(f"{path}: the file is not UTF-8: {error}") from None
    routes = RouteList()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.removeprefix("- ").split()
        if not words or line.lstrip().startswith("#"):
            continue
        place = f"{path.name}:{number}"
        if words == [DEFAULT_ROUTE]:
            routes.add("ANY", DEFAULT_ROUTE, place)
        elif len(words) == 2:
            routes.add(words[0], words[1], place)
        else:
            routes.skip(place, f"`{line.strip()}` is not a method and a path: write it as in `GET /pets/{{petId}}`")
    return FoundRoutes(path.stem, routes.found(), tuple(routes.not_taken))

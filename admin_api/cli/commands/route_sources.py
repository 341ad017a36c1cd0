"""Files that say which routes an API has, for the commands that import them and the one that compares."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from admin_api.analysis.found_routes import FoundRoutes, NotTaken
from admin_api.importers.api_collector import FoundApis
from admin_api.importers.foreign_text import ForeignValue, parse_foreign, read_foreign
from admin_api.importers.imported import ImportSourceError
from admin_api.importers.openapi import read_openapi
from admin_api.importers.routes_text import read_routes
from admin_api.importers.serverless import read_serverless
from admin_api.importers.template import read_template


def template_apis(path: Path, parameters: Mapping[str, str]) -> FoundApis:
    """Return the APIs of a template. Where one is written as an OpenAPI definition within the template, that is read as such."""
    return read_template(path, parameters, _routes_of_body)


def _routes_of_body(body: Mapping[str, Any], place: str) -> FoundRoutes:
    try:
        found = read_openapi(ForeignValue(place, dict(body)))
    except ImportSourceError as error:
        return FoundRoutes("", (), (NotTaken(place, str(error)),))
    # Places within the body are pointers into it.
    routes = tuple(replace(each, place=f"{place} {each.place}") for each in found.routes)
    return replace(found, routes=routes, not_taken=tuple(NotTaken(f"{place} {each.place}", each.reason) for each in found.not_taken))


def _one_of(apis: FoundApis, path: Path, api: str | None) -> FoundRoutes:
    chosen = apis.chosen(api, path.name)
    if len(chosen) > 1:
        raise ImportSourceError(f"{path.name}: it has {len(chosen)} APIs: choose one of {', '.join(apis.apis)} with `--source-api`")
    return chosen[0]


READERS: Mapping[str, Callable[[Path, str | None], FoundRoutes]] = {
    "--openapi": lambda path, _: read_openapi(parse_foreign(read_foreign(str(path)))),
    "--template": lambda path, api: _one_of(template_apis(path, {}), path, api),
    "--serverless": lambda path, api: _one_of(read_serverless(path, {}), path, api),
    "--routes": lambda path, _: read_routes(path),
}
"""What reads the file of each option of `drift` that names a source. The second argument chooses one of several APIs of a source."""

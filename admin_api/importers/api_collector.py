"""Collects the routes of several APIs that one source declares, by the id under which the source refers to each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError, NotTaken
from admin_api.importers.route_list import RouteList


@dataclass(slots=True)
class ApiCollector:
    """An API while its routes are collected."""

    name: str
    kind: str = ""
    routes: RouteList = field(default_factory=RouteList)
    notes: list[str] = field(default_factory=list)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def found(self) -> FoundRoutes:
        """Return what was collected."""
        routes = self.routes.found()
        return FoundRoutes(self.name, routes, tuple(self.routes.not_taken), self.kind, tuple(dict.fromkeys(self.notes)))


@dataclass(frozen=True, slots=True)
class FoundApis:
    """The APIs of a source by their ids, and what of it belongs to none of them."""

    apis: Mapping[str, FoundRoutes]
    not_taken: tuple[NotTaken, ...] = ()
    notes: tuple[str, ...] = ()

    def chosen(self, api: str | None, source: str) -> list[FoundRoutes]:
        """Return one API, or all of them. What belongs to none is said with the first. Raises `ImportSourceError`."""
        if not self.apis:
            reasons = "".join(f"\n{each}" for each in self.not_taken)
            raise ImportSourceError(f"{source}: no route of an API stands in it: give the file that declares the API's routes{reasons}")
        if api is not None and api not in self.apis:
            raise ImportSourceError(f"{source}: there is no API `{api}`: choose one of {', '.join(self.apis)}")
        first, *others = [self.apis[api]] if api is not None else self.apis.values()
        joined = FoundRoutes(first.name, first.routes, (*self.not_taken, *first.not_taken), first.kind, (*self.notes, *first.notes))
        return [joined, *others]


def authorizer_guard(authorization: object, *, key_required: bool = False) -> Guard:
    """Return what API Gateway's own word for a method's or a route's authorization stands for: `CUSTOM` is a Lambda authorizer."""
    word = str(authorization or "NONE").upper()
    if word == "NONE":
        return Guard.OTHER if key_required else Guard.NONE
    if word == "CUSTOM":
        return Guard.AUTHORIZER
    return Guard.OTHER if word in ("AWS_IAM", "COGNITO_USER_POOLS", "JWT") else Guard.UNKNOWN

"""What an import gives: the document that says as much of the source as a document can, and honestly the rest.

Sources of routes (OpenAPI, templates, a deployed API) are read into `FoundRoutes`, which `drift` compares with a document as well; `document_of` makes a
document of them. Sources of permissions make an `Imported` themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from admin_api.analysis.notation import notation_notes
from authorizer.policy.document import API_NAME
from authorizer.policy.route import RouteTemplate


class ImportSourceError(Exception):
    """A source cannot be read at all. The message names the file or API and the remedy."""


class Guard(StrEnum):
    """What a source says of a route's protection."""

    AUTHORIZER = "authorizer"
    """A Lambda authorizer, or a security requirement that stands for one."""

    OTHER = "other"
    """Something that is no Lambda authorizer: IAM, a JWT or Cognito authorizer, an API key."""

    NONE = "none"
    """Nothing guards it."""

    OPEN = "open"
    """The source says on purpose that it is open: `security: []`, `Authorizer: NONE`."""

    UNKNOWN = "unknown"
    """The source does not say."""


@dataclass(frozen=True, slots=True, order=True)
class NotTaken:
    """Something of the source that the document does not say. `place` is a line, a JSON Pointer or a name in the source; `reason` ends with the remedy."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """One route of a source. `written` is how the source writes it (`get /pets`), `place` where: `swagger.yaml:12`, `/paths/~1pets/get`."""

    route: RouteTemplate
    guard: Guard
    written: str
    place: str


@dataclass(frozen=True, slots=True)
class FoundRoutes:
    """All routes of one API of a source. `name` is what the source calls the API, `kind` is `rest`, `http` or `websocket`, or empty where nothing tells."""

    name: str
    routes: tuple[FoundRoute, ...]
    not_taken: tuple[NotTaken, ...] = ()
    kind: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A document as plain values, which `parse_document` takes, what of the source it does not say, and notes for who reads it first."""

    document: Mapping[str, Any]
    not_taken: tuple[NotTaken, ...] = ()
    notes: tuple[str, ...] = field(default=())


def api_name(text: str, fallback: str = "api") -> str:
    """Return a name for an API in the table: `Pet Store (v2)` -> `pet-store-v2`. What the source calls it may have any characters."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text.lower()).split()
    name = "-".join(words)[:64].strip("-")
    return name if API_NAME.fullmatch(name) else fallback


def document_of(found: FoundRoutes, api: str | None = None) -> Imported:
    """Return a document with these routes and no permissions yet. What the source leaves open on purpose is `public`."""
    routes: list[Any] = [
        {"route": str(each.route), "public": True} if each.guard is Guard.OPEN else str(each.route) for each in found.routes
    ]
    notes = (*found.notes, *notation_notes(each.route for each in found.routes))
    return Imported({"api": api or api_name(found.name), "routes": routes}, found.not_taken, notes)

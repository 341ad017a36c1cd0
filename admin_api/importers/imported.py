"""What an import gives: the document that says as much of the source as a document can, and honestly the rest.

Sources of routes (OpenAPI, templates, a deployed API) are read into `FoundRoutes`, which `drift` compares with a document as well; `document_of` makes a
document of them. Sources of permissions make an `Imported` themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from admin_api.analysis.found_routes import FoundRoute, FoundRoutes, Guard, NotTaken
from admin_api.analysis.notation import notation_notes
from authorizer.policy.document import API_NAME

__all__ = ["FoundRoute", "FoundRoutes", "Guard", "ImportSourceError", "Imported", "NotTaken", "api_name", "document_of"]


class ImportSourceError(Exception):
    """A source cannot be read at all. The message names the file or API and the remedy."""


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

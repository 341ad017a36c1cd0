"""What a document says, statement by statement, and what publishing another one over it would take back."""

from collections.abc import Iterator
from typing import Any

from authorizer.policy.document import PermissionDocument, format_document

Statement = tuple[str, str]
"""One statement in words, the place first: `("groups/owner", "allow POST /pets")`."""


def statements(document: PermissionDocument) -> frozenset[Statement]:
    """Return all that a document says, so that two documents that say the same have the same statements."""
    fields = format_document(document)
    fields.pop("rules", None)
    return frozenset((*_statements(fields), *(("rules", str(rule)) for rule in document.rules)))


def _statements(fields: dict[str, Any]) -> Iterator[Statement]:
    for name, value in fields.items():
        if name in ("enforced", "routes"):
            yield from ((name, _words(entry)) for entry in value)
        elif name == "everyone":
            yield from _held(name, value)
        elif isinstance(value, dict):
            for subject, held in value.items():
                yield f"{name}/{subject}", "is there"
                yield from _held(f"{name}/{subject}", held)


def _held(place: str, held: dict[str, Any]) -> Iterator[Statement]:
    for field, entries in held.items():
        if field == "delegated":
            yield place, field
        else:
            yield from ((place, f"{field} {_words(entry)}") for entry in entries)


def _words(entry: Any) -> str:
    """Return an entry in one line: `{route: GET /health, public: true}` -> `GET /health, public: true`."""
    if not isinstance(entry, dict):
        return str(entry)
    return ", ".join([str(entry["route"]), *(f"{name}: {_plain(value)}" for name, value in entry.items() if name != "route")])


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} = {each}" for name, each in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def taken_back(base: PermissionDocument | None, published: PermissionDocument, wanted: PermissionDocument) -> list[str]:
    """Return what was published since `base` and publishing `wanted` would undo, in sentences. None as base stands for nothing at all.

    `wanted` was made from `base` by somebody who may not have seen what is published. Whatever of that `wanted` says too is nobody's loss.
    """
    then: frozenset[Statement] = statements(base) if base else frozenset()
    now, next_ = statements(published), statements(wanted)
    added = [f"{place}: `{words}` was added since" for place, words in sorted((now - then) - next_)]
    removed = [f"{place}: `{words}` was taken out since" for place, words in sorted((then - now) & next_)]
    return added + removed

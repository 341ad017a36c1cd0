"""A document with one part of it changed. Each edit reads the result as a whole document, so that whatever it yields can be published.

Mistakes are told with pointers into what was sent, not into the whole document.
"""

from collections.abc import Mapping
from typing import Any

from admin_api.analysis.rules import with_group_renamed as rename_in_rule
from authorizer.policy.document import SECTIONS, PermissionDocument, format_document, format_rules, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef
from authorizer.policy.problems import DocumentError, Problem, child


def with_subject(document: PermissionDocument, ref: PrincipalRef, held: object) -> PermissionDocument:
    """Return the document in which `ref` holds what `held` says (`inherits`, `allow`, `deny`). Raises `DocumentError`."""
    fields = format_document(document)
    place = _place(ref)
    if ref == EVERYONE:
        fields[place[0]] = held
    else:
        fields[place[0]] = {**fields.get(place[0], {}), ref.name: held}
    return _parse(fields, _pointer(place))


def without_subject(document: PermissionDocument, ref: PrincipalRef) -> PermissionDocument:
    """Return the document without `ref`. Raises `DocumentError` if others inherit from it, `KeyError` if it is not there."""
    if ref not in document.subjects:
        raise KeyError(str(ref))
    fields = format_document(document)
    place = _place(ref)
    if ref == EVERYONE:
        del fields[place[0]]
    else:
        fields[place[0]] = {name: held for name, held in fields[place[0]].items() if name != ref.name}
    return parse_document(fields)


def with_group_renamed(document: PermissionDocument, old: str, new: str) -> PermissionDocument:
    """Return the document in which the group `old` is called `new`, wherever it is named. Raises `DocumentError`, `KeyError` if there is no group `old`."""
    fields = format_document(document)
    groups = fields.get("groups", {})
    if old not in groups:
        raise KeyError(old)
    if new in groups:
        raise DocumentError(
            [Problem(child("/groups", new), f"there is a group `{new}` already: choose another name, or take that one out first")]
        )
    renamed = {new if name == old else name: dict(held) for name, held in groups.items()}
    for held in renamed.values():
        if "inherits" in held:
            held["inherits"] = [new if name == old else name for name in held["inherits"]]
    rules = format_rules(tuple(rename_in_rule(rule, old, new) for rule in document.rules))
    return parse_document(fields | {"groups": renamed, "rules": rules})


def with_routes(document: PermissionDocument, value: object) -> PermissionDocument:
    """Return the document with another catalogue (`routes`, and `enforced`). Raises `DocumentError`."""
    fields = format_document(document)
    if not isinstance(value, dict):
        raise DocumentError(
            [Problem("", "the catalogue must be a mapping with `routes`, and `enforced` if cache scopes are to be enforced")]
        )
    unknown = [
        Problem(child("", name), f"`{name}` is not a field of the catalogue: it may have `enforced`, `routes`")
        for name in value.keys() - {"enforced", "routes"}
    ]
    if unknown:
        raise DocumentError(unknown)
    fields.pop("enforced", None)
    return parse_document(fields | {"routes": None} | value)


def patched(document: PermissionDocument, patch: object) -> PermissionDocument:
    """Return the document after a JSON merge patch (RFC 7396). Raises `DocumentError`."""
    return parse_document(merge_patch(format_document(document), patch))


def merge_patch(target: object, patch: object) -> object:
    """RFC 7396 section 2: mappings are merged, null removes, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result: dict[Any, Any] = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def _place(ref: PrincipalRef) -> tuple[str, ...]:
    return (ref.kind.value,) if ref == EVERYONE else (SECTIONS[ref.kind], ref.name)


def _pointer(place: tuple[str, ...]) -> str:
    pointer = ""
    for step in place:
        pointer = child(pointer, step)
    return pointer


def _parse(fields: Mapping[str, Any], sent_at: str) -> PermissionDocument:
    try:
        return parse_document(fields)
    except DocumentError as error:
        raise DocumentError([Problem(_relative(p.pointer, sent_at), p.message) for p in error.problems]) from None


def _relative(pointer: str, sent_at: str) -> str:
    # What lies outside of the part that was sent keeps its place in the document.
    return pointer.removeprefix(sent_at) if pointer == sent_at or pointer.startswith(f"{sent_at}/") else pointer

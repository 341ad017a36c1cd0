"""Policies of Amazon Verified Permissions for an API that it guards: groups of a user pool, and actions named by method and path.

Verified Permissions links an API by actions such as `get /pets/{petId}`, and groups as `UserGroup::"{pool id}|{group}"` (Amazon Verified Permissions user
guide, "Set up with API Gateway and an identity source"). A forbid wins over every permit, as a deny does here.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from admin_api.documents.strict_json import parse_json
from admin_api.importers.cedar_text import CedarPolicy, Entity, Part, read_policies
from admin_api.importers.imported import Imported, ImportSourceError, NotTaken, api_name
from admin_api.importers.route_list import RouteList

_EVERYTHING = "* /**"


def read_verified_permissions(path: Path, name: str | None = None) -> Imported:
    """Return the document of a file: Cedar policies as text, or JSON as `aws verifiedpermissions` prints it (`get-policy`, `get-schema`, or a list of both).

    What a permit says beyond group and action makes it no permission here; such a permit is left out, so that nobody may more than before. A forbid is never
    left out for its condition: it becomes a deny without one; nor for an action that is no route: it becomes a deny of every route. Raises `ImportSourceError`,
    `OSError`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportSourceError(f"{path}: the file is not UTF-8: {error}") from None
    policies: list[tuple[str, CedarPolicy]] = []
    actions: list[str] = []
    if text.lstrip().startswith(("{", "[")):
        try:
            value, _ = parse_json(text)
        except ValueError as error:
            raise ImportSourceError(f"{path}: the file is no JSON: {error}") from None
        for number, statement in enumerate(_found(value, "statement"), 1):
            at = f"{path.name} statement {number}"
            policies += [(f"{at}:{policy.line}", policy) for policy in read_policies(str(statement), at)]
        actions = [action for schema in _found(value, "schema") for action in _actions(schema)]
    else:
        policies = [(f"{path.name}:{policy.line}", policy) for policy in read_policies(text, path.name)]
    if not policies:
        raise ImportSourceError(
            f"{path}: no policy is in it: hand in Cedar policies, or what `aws verifiedpermissions get-policy` prints for each of them"
        )
    _refuse_two_pools(policies)
    return _document(policies, actions, name or api_name(path.stem))


def _found(value: Any, field: str) -> Iterator[Any]:
    """Yield what stands under a field anywhere in a value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == field:
                yield inner
            else:
                yield from _found(inner, field)
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner, field)


def _actions(schema: Any) -> Iterator[str]:
    """Yield the names of a schema's actions: `{"Shop": {"actions": {"get /pets": {...}}}}`, as text or parsed."""
    if isinstance(schema, str):
        try:
            schema = json.loads(schema)
        except ValueError:
            return
    for namespace in schema.values() if isinstance(schema, dict) else ():
        named = namespace.get("actions") if isinstance(namespace, dict) else None
        yield from named if isinstance(named, dict) else ()


def _refuse_two_pools(policies: Iterable[tuple[str, CedarPolicy]]) -> None:
    """Groups of two pools may have one name and are not one group."""
    entities = {entity for _, policy in policies for entity in policy.principal.entities if _group(entity)}
    pools = sorted({entity.id.partition("|")[0] for entity in entities if "|" in entity.id})
    if len(pools) > 1:
        raise ImportSourceError(
            f"the policies speak of groups of several user pools ({', '.join(pools)}): hand in those of one pool at a time"
        )


def _document(policies: Iterable[tuple[str, CedarPolicy]], actions: Iterable[str], api: str) -> Imported:
    made = _Making()
    for action in actions:
        made.route(action, "schema")
    for place, policy in policies:
        made.take(place, policy)
    routes = [str(each.route) for each in made.routes.found()]
    if not routes:
        raise ImportSourceError("no policy and no schema names an action such as `get /pets`: it guards no API of API Gateway")
    document: dict[str, Any] = {"api": api, "routes": routes}
    held = {subject: {effect: sorted(entries) for effect, entries in fields.items()} for subject, fields in made.held.items()}
    if None in held:
        document["everyone"] = held.pop(None)
    if held:
        document["groups"] = dict(sorted(held.items(), key=str))
    return Imported(document, (*made.routes.not_taken, *made.left))


class _Making:
    """A document in the making: its routes, what groups hold (None is everyone), and what was left."""

    def __init__(self) -> None:
        self.routes = RouteList()
        self.held: dict[str | None, dict[str, set[str]]] = {}
        self.left: list[NotTaken] = []

    def route(self, action: str, place: str) -> list[str]:
        """Add the route of an action and return it as a selector, none if it is none: `get /pets` -> `GET /pets`."""
        method, _, path = action.partition(" ")
        return self.routes.add(method, path, place)

    def take(self, place: str, policy: CedarPolicy) -> None:
        """Make permissions of a policy, or say why not."""
        effect = "allow" if policy.permits else "deny"
        subjects = list(_subjects(policy.principal))
        selectors, unread = (self._meant(policy.action, place), []) if policy.permits else self._forbidden(policy.action, place)
        problem = _problem(policy, subjects)
        if problem and policy.permits:
            self.left.append(NotTaken(place, f"the permit is left out: {problem}"))
            return
        if not subjects:
            self.left.append(NotTaken(place, f"the forbid is NOT taken, so that the document is wider there: {problem}"))
            return
        if problem:
            self.left.append(NotTaken(place, f"the forbid is taken as a deny that always holds: {problem}"))
        if unread:
            names = ", ".join(f"`{each}`" for each in unread)
            reason = f"the forbid is taken as a deny of every route: {names} is no route, and may be a group of actions: narrow it by hand"
            self.left.append(NotTaken(place, reason))
        for subject in subjects:
            if selectors:
                self.held.setdefault(subject, {}).setdefault(effect, set()).update(selectors)

    def _meant(self, action: Part, place: str) -> list[str]:
        if not action.relation:
            return [_EVERYTHING]
        return [selector for entity in action.entities for selector in self.route(entity.id, place)]

    def _forbidden(self, action: Part, place: str) -> tuple[list[str], list[str]]:
        """Return the selectors that a forbid takes away, and its actions that are no routes: each may be a group of actions, and stand for any of them."""
        if action.relation not in ("", "==", "in"):
            return [_EVERYTHING], []
        selectors: list[str] = [] if action.relation else [_EVERYTHING]
        unread: list[str] = []
        for entity in action.entities:
            before = len(self.routes.not_taken)
            found = self.route(entity.id, place)
            if not found:
                del self.routes.not_taken[before:]
                unread.append(entity.id)
            selectors += found
        return ([_EVERYTHING], unread) if unread else (selectors, [])


def _subjects(principal: Part) -> Iterator[str | None]:
    """Yield the groups that a principal stands for, None for everyone, nothing if it is neither."""
    if not principal.relation:
        yield None
    elif principal.relation == "in":
        yield from (_group(entity) for entity in principal.entities if _group(entity))


def _group(entity: Entity) -> str:
    """Return the group of an entity, `` if it is none: `Shop::UserGroup::"eu-west-1_x|admin"` -> `admin`."""
    return (entity.id.partition("|")[2] or entity.id) if entity.kind.endswith("Group") else ""


def _problem(policy: CedarPolicy, subjects: list[str | None]) -> str:
    """Return why a policy says more than group and action, `` if it does not."""
    if not subjects:
        return "it speaks of single users or types: put them into a group, and give that group the permission"
    if policy.is_conditional:
        return "it has a condition (`when` or `unless`), which no permission here has: write `where` for a path parameter, or check it in the backend"
    if policy.action.relation not in ("", "==", "in"):
        return "its action is neither a route nor a list of them"
    if policy.resource.relation and not all(entity.kind == "Application" for entity in policy.resource.entities):
        return "it speaks of certain resources, and a gateway's request has none but the application"
    return ""

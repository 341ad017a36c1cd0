"""The permission document: what seed files hold, what the admin API takes and gives, and what the rows of the table are parts of.

`parse_document` reads parsed YAML or JSON and reports every problem at once. `parse_routes` and `parse_subject` read its parts; rows of the table hold the
same parts and are read by the same functions, so that whatever is stored can be decided upon. The published JSON Schema beside this file tells editors
the same, as far as a schema can.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from authorizer.policy.cache_scope import can_hold
from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.problems import ProblemList, child, kind_of
from authorizer.policy.route import (
    RouteCatalog,
    RouteSyntaxError,
    RouteTemplate,
    Segment,
    SegmentKind,
    normal_notation,
    parse_route,
    parse_selector,
)

ENFORCEABLE = ("request", "route", "token")
"""The cache scopes that `enforced` may name."""

SECTIONS = {RefKind.GROUP: "groups", RefKind.CLIENT: "clients", RefKind.SCOPE: "scopes"}
"""The field that holds each kind of subject. `everyone` is a field and a subject at once."""

_OWN_FIELDS = {RefKind.GROUP: ("inherits",), RefKind.CLIENT: ("delegated",)}
"""What subjects of a kind may have besides `allow` and `deny`."""

MAX_NAME = 256

# Default_Ignorable_Code_Point (Unicode Character Database, DerivedCoreProperties), and the blank pattern of Braille, which is a symbol and shows nothing.
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

MAX_ANCESTORS = 100
"""Groups that one subject may inherit from, near and far: a reader reads a row for each of them."""

RULE_KINDS = ("never", "only", "implies", "equal", "disjoint")
"""What an entry of `rules` may demand."""

_NOT_HELD = {
    False: "between parameters that may be anything: enforce `request` scope, or bind the parameters before it too",
    True: "whose tail may be anything: enforce `request` scope, or write routes of known length",
}

_NOT_IN_A_DENY = {
    "where": "it always denies, so take the condition out or turn it into an allow",
    "except": "write several denies, or put the exceptions into the allows",
}

MAX_PATH = 300
"""Characters that a route's path may have in a policy with its bound parameters filled in: the rest of a Resource's 512 is for ARN, stage and verb."""

_MAX_CLAIM_VALUE = 128
_CLAIM_LENGTHS = dict.fromkeys(("sub", "jti", "origin_jti", "event_id"), 36)
"""Characters that a claim's value may have where a policy holds it. Those of Cognito that are UUIDs have 36 ("Understanding the access token")."""

API_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CLAIM = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([Zz]|[+-]\d\d:[0-5]\d)")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one subject holds by itself: its permissions, sorted, and the groups that it inherits from directly, sorted.

    `delegated` is for clients: a person's token that came through one needs the consent of its scopes as well as an allow of the person (see `decide`).
    """

    permissions: tuple[Permission, ...] = ()
    inherits: tuple[str, ...] = ()
    delegated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that shall hold whatever anybody edits, as it was written: `never: guest -> DELETE /**`.

    `said` is the whole of it, or its subjects if it names those one by one or has its `routes` apart. No authorizer decides by it: it is read where documents
    are published, and what breaks it is refused there.
    """

    kind: str
    said: str | tuple[str, ...]
    routes: str | None = None

    def __str__(self) -> str:
        said = self.said if isinstance(self.said, str) else f"[{', '.join(self.said)}]"
        return f"{self.kind}: {said}" + ("" if self.routes is None else f" -> {self.routes}")


@dataclass(frozen=True, slots=True)
class PermissionDocument:
    """All permissions of one API, and the rules that its admins have set themselves."""

    api: str
    catalog: RouteCatalog
    subjects: Mapping[PrincipalRef, Subject]
    enforced: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    _ancestors: dict[PrincipalRef, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ancestors(self, ref: PrincipalRef) -> tuple[str, ...]:
        """Return the names of all groups whose permissions the subject has besides its own, sorted. At most one more than `MAX_ANCESTORS`."""
        known = self._ancestors.get(ref)
        if known is None:
            known = self._ancestors[ref] = self._find_ancestors(ref)
        return known

    def _find_ancestors(self, ref: PrincipalRef) -> tuple[str, ...]:
        found: set[str] = set()
        todo = [ref]
        while todo:
            subject = self.subjects.get(todo.pop())
            for name in subject.inherits if subject is not None else ():
                if name not in found and len(found) <= MAX_ANCESTORS:
                    found.add(name)
                    todo.append(PrincipalRef(RefKind.GROUP, name))
        return tuple(sorted(found))

    def is_delegated(self, ref: PrincipalRef) -> bool:
        """Return whether the subject is a delegated client."""
        subject = self.subjects.get(ref)
        return subject is not None and subject.delegated

    def permissions(self, ref: PrincipalRef) -> tuple[Permission, ...]:
        """Return what the subject holds, its own and its ancestors'. An unknown subject holds nothing."""
        holders = [ref, *(PrincipalRef(RefKind.GROUP, name) for name in self.ancestors(ref))]
        return tuple(p for holder in holders for p in self.subjects.get(holder, Subject()).permissions)


def parse_document(value: object) -> PermissionDocument:
    """Read a whole document. Raises `DocumentError` with every problem."""
    reader = ProblemList()
    fields = reader.mapping(value, "", "the document", ("api", "enforced", "routes", "everyone", "groups", "clients", "scopes", "rules"))
    api = _parse_api(reader, fields)
    enforced, catalog = _read_routes(reader, fields, "")
    subjects: dict[PrincipalRef, Subject] = {}
    if fields.get("everyone") is not None:
        subjects[EVERYONE] = _read_subject(reader, EVERYONE, fields["everyone"], "/everyone")
    for kind, section in SECTIONS.items():
        for name, held in reader.mapping(_or_empty(fields.get(section)), f"/{section}", f"`{section}`").items():
            ref, pointer = PrincipalRef(kind, name), child(f"/{section}", name)
            _check_name(reader, name, pointer)
            subjects[ref] = _read_subject(reader, ref, _or_empty(held), pointer)
    rules = _read_rules(reader, fields.get("rules"), "/rules")
    document = PermissionDocument(api, catalog, subjects, enforced, rules)
    _check_inheritance(reader, document)
    if catalog.routes:
        _check_selectors(reader, document)
    _check_enforced(reader, document)
    reader.raise_if_any()
    return document


def parse_routes(value: object) -> tuple[tuple[str, ...], RouteCatalog]:
    """Read `enforced` and `routes`, the content of a catalogue row. Raises `DocumentError`."""
    reader = ProblemList()
    enforced, catalog = _read_routes(reader, reader.mapping(value, "", "the catalogue", ("enforced", "routes")), "")
    reader.raise_if_any()
    return enforced, catalog


def parse_subject(ref: PrincipalRef, value: object) -> Subject:
    """Read what one subject holds, the content of its row. Raises `DocumentError`."""
    reader = ProblemList()
    subject = _read_subject(reader, ref, value, "")
    reader.raise_if_any()
    return subject


def parse_rules(value: object) -> tuple[Rule, ...]:
    """Read `rules`, the content of a row, as far as it can be read without knowing what a rule means. Raises `DocumentError`."""
    reader = ProblemList()
    rules = _read_rules(reader, value, "")
    reader.raise_if_any()
    return rules


def format_document(document: PermissionDocument) -> dict[str, Any]:
    """Return the document as plain values in a fixed order, for YAML or JSON. `parse_document` reads it back to an equal document."""
    result: dict[str, Any] = {"api": document.api, **format_routes(document.enforced, document.catalog)}
    if EVERYONE in document.subjects:
        result["everyone"] = format_subject(document.subjects[EVERYONE])
    for kind, section in SECTIONS.items():
        held = {ref.name: format_subject(document.subjects[ref]) for ref in sorted(document.subjects) if ref.kind is kind}
        if held:
            result[section] = held
    if document.rules:
        result["rules"] = format_rules(document.rules)
    return result


def format_routes(enforced: tuple[str, ...], catalog: RouteCatalog) -> dict[str, Any]:
    """`enforced`, left out if empty, and `routes`."""
    routes = [{"route": str(r), "public": True} if r.public else str(r) for r in catalog.routes]
    return {"enforced": list(enforced), "routes": routes} if enforced else {"routes": routes}


def format_rules(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    """Return rules as they were written, in their order: their places tell them apart."""
    written = []
    for rule in rules:
        said = rule.said if isinstance(rule.said, str) else list(rule.said)
        written.append({rule.kind: said if rule.routes is None else {"subjects": said, "routes": rule.routes}})
    return written


def format_subject(subject: Subject) -> dict[str, Any]:
    """Return what a subject holds, fields left out where they are empty."""
    allows = [_format_permission(p) for p in subject.permissions if p.effect is Effect.ALLOW]
    denies = [_format_permission(p) for p in subject.permissions if p.effect is Effect.DENY]
    fields = {"delegated": subject.delegated, "inherits": list(subject.inherits), "allow": allows, "deny": denies}
    return {name: value for name, value in fields.items() if value}


def format_time(seconds: int) -> str:
    """Epoch seconds as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _or_empty(value: object) -> object:
    return {} if value is None else value


def _parse_api(reader: ProblemList, fields: Mapping[str, Any]) -> str:
    api = reader.text(fields.get("api"), "/api", "`api`")
    if api is not None and not API_NAME.fullmatch(api):
        reader.report("/api", f"API name `{api}` may only have letters, digits and `._-`, 64 at most")
    return api or ""


def _read_routes(reader: ProblemList, fields: Mapping[str, Any], pointer: str) -> tuple[tuple[str, ...], RouteCatalog]:
    problems_before = len(reader.problems)
    enforced: set[str] = set()
    for place, scope in reader.items(fields.get("enforced"), f"{pointer}/enforced", "`enforced`"):
        if scope in ENFORCEABLE:
            enforced.add(scope)
        else:
            reader.report(place, f"`{scope}` is no cache scope to enforce: use {' or '.join(f'`{s}`' for s in ENFORCEABLE)}")
    routes: dict[tuple[str, object], RouteTemplate] = {}
    for place, entry in reader.items(fields.get("routes"), f"{pointer}/routes", "`routes`"):
        route = _read_route(reader, entry, place)
        if route is None:
            continue
        known = routes.setdefault((route.method, route.shape), route)
        if known is not route:
            reader.report(place, f"`{route}` is the same route to API Gateway as `{known}` above: keep one of them")
    if not routes and len(reader.problems) == problems_before:
        reader.report(f"{pointer}/routes", "the catalogue is empty: list every route of the API, as in `- GET /pets`")
    return tuple(sorted(enforced)), RouteCatalog(routes.values())


def _read_route(reader: ProblemList, entry: object, pointer: str) -> RouteTemplate | None:
    if not isinstance(entry, dict):
        return reader.parsed(parse_route, entry, pointer, "a route")
    fields = reader.mapping(entry, pointer, "a route", ("route", "public"))
    public = fields.get("public", False)
    if not isinstance(public, bool):
        reader.report(f"{pointer}/public", f"`public` must be true or false, not {kind_of(public)}")
    return reader.parsed(lambda text: parse_route(text, public=public is True), fields.get("route"), f"{pointer}/route", "`route`")


def _read_rules(reader: ProblemList, value: object, pointer: str) -> tuple[Rule, ...]:
    rules = [_read_rule(reader, entry, place) for place, entry in reader.items(value, pointer, "`rules`")]
    return tuple(rule for rule in rules if rule is not None)


def _read_rule(reader: ProblemList, entry: object, pointer: str) -> Rule | None:
    fields = reader.mapping(entry, pointer, "a rule", RULE_KINDS)
    if isinstance(entry, dict) and len(entry) != 1:
        reader.report(pointer, f"a rule is one of {', '.join(f'`{kind}`' for kind in RULE_KINDS)}: put each behind a `- ` of its own")
    if len(fields) != 1:
        return None
    [(kind, body)] = fields.items()
    place = child(pointer, kind)
    if not isinstance(body, dict):
        return Rule(kind, _read_said(reader, body, place))
    sides = reader.mapping(body, place, "a rule", ("subjects", "routes"))
    said = _read_said(reader, sides.get("subjects"), f"{place}/subjects")
    return Rule(kind, said, reader.text(sides.get("routes"), f"{place}/routes", "`routes`"))


def _read_said(reader: ProblemList, value: object, pointer: str) -> str | tuple[str, ...]:
    if isinstance(value, list):
        named = [reader.text(item, place, "a subject") for place, item in reader.items(value, pointer, "the subjects")]
        return tuple(name for name in named if name is not None)
    return reader.text(value, pointer, "what a rule says") or ""


def _read_subject(reader: ProblemList, ref: PrincipalRef, value: object, pointer: str) -> Subject:
    held = reader.mapping(value, pointer, f"`{ref}`", (*_OWN_FIELDS.get(ref.kind, ()), "allow", "deny"))
    delegated = held.get("delegated", False)
    if not isinstance(delegated, bool):
        reader.report(f"{pointer}/delegated", f"`delegated` must be true or false, not {kind_of(delegated)}")
    parents = [
        name
        for place, item in reader.items(held.get("inherits"), f"{pointer}/inherits", "`inherits`")
        if (name := reader.text(item, place, "a group's name")) is not None
    ]
    permissions = {
        permission
        for effect in Effect
        for place, entry in reader.items(held.get(effect), f"{pointer}/{effect}", f"`{effect}`")
        if (permission := _read_permission(reader, ref, effect, entry, place)) is not None
    }
    return Subject(tuple(sorted(permissions, key=_permission_order)), tuple(sorted(set(parents))), delegated is True)


def _permission_order(permission: Permission) -> tuple[str, str, tuple[str, ...], tuple[Binding, ...], int]:
    until = -1 if permission.until is None else permission.until
    return permission.effect, permission.selector, permission.excepted, permission.where, until


def _read_permission(reader: ProblemList, ref: PrincipalRef, effect: Effect, entry: object, pointer: str) -> Permission | None:
    fields: Mapping[str, Any] = {"route": entry}
    if isinstance(entry, dict):
        fields = reader.mapping(entry, pointer, "a permission", ("route", "except", "where", "until"))
        for name in ("where", "except") if effect is Effect.DENY else ():
            if name in fields:
                reader.report(f"{pointer}/{name}", f"a deny cannot have `{name}`: {_NOT_IN_A_DENY[name]}")
    place = f"{pointer}/route" if isinstance(entry, dict) else pointer
    if reader.parsed(parse_selector, fields.get("route"), place, "a route") is None:
        return None
    excepted = _read_except(reader, fields["except"], f"{pointer}/except") if "except" in fields else ()
    where = _read_where(reader, fields["where"], f"{pointer}/where") if "where" in fields else ()
    until = reader.parsed(_parse_time, fields["until"], f"{pointer}/until", "`until`") if "until" in fields else None
    permission = Permission(ref, effect, normal_notation(fields["route"]), where, until, excepted)
    reader.places.setdefault(permission, pointer)
    return permission


def _read_except(reader: ProblemList, value: object, pointer: str) -> tuple[str, ...]:
    excepted = [
        normal_notation(str(item))
        for place, item in reader.items(value, pointer, "`except`")
        if reader.parsed(parse_selector, item, place, "a route") is not None
    ]
    if value is None or value == []:
        # An allow whose exception was lost in editing must not become a wider one.
        reader.report(pointer, '`except` is empty: list routes, as in `["* /admin/**"]`, or take it out')
    return tuple(excepted)


def _read_where(reader: ProblemList, value: object, pointer: str) -> tuple[Binding, ...]:
    bindings = []
    for parameter, claim in reader.mapping(value, pointer, "`where`").items():
        place = child(pointer, parameter)
        name = reader.text(claim, place, "a claim's name")
        if name is not None and not _CLAIM.fullmatch(name):
            reader.report(place, f"`{name}` is no name of a claim, such as `sub`")
        bindings.append(Binding(parameter, name or ""))
    if value == {}:
        # An allow whose condition was lost in editing must not become an allow without condition.
        reader.report(pointer, "`where` is empty: name a path parameter and a claim, as in `{ownerId: sub}`, or take it out")
    return tuple(bindings)


def _parse_time(text: str) -> int:
    try:
        time = datetime.fromisoformat(text.upper()) if _TIMESTAMP.fullmatch(text) else None
        # In UTC before anything else: what is past the year 9999 there could not be written again.
        seconds = int(time.astimezone(UTC).timestamp()) if time is not None else -1
    except (ValueError, OverflowError):
        seconds = -1
    if seconds < 0:
        raise ValueError(f"`{text}` is no moment: write date, time and zone as in `2026-12-01T00:00:00Z`")
    return seconds


def _format_permission(permission: Permission) -> str | dict[str, Any]:
    if not permission.where and permission.until is None and not permission.excepted:
        return permission.selector
    entry: dict[str, Any] = {"route": permission.selector}
    if permission.excepted:
        entry["except"] = list(permission.excepted)
    if permission.where:
        entry["where"] = {b.parameter: b.claim for b in permission.where}
    if permission.until is not None:
        entry["until"] = format_time(permission.until)
    return entry


def _check_name(reader: ProblemList, name: str, pointer: str) -> None:
    if not 0 < len(name) <= MAX_NAME:
        reader.report(pointer, f"a name must have 1 to {MAX_NAME} characters")
    elif name != name.strip() or any(_is_unseen(c) for c in name):
        reader.report(
            pointer,
            f"the name {name!a} has a character that nobody sees, or white space at an end: what looks like another name must not be one",
        )


def _is_unseen(character: str) -> bool:
    """Return whether a character shows nothing, or changes the direction of others: in a list it makes two names look like one.

    A space inside a name is seen, as in `Domain Admins`. Other directories than Cognito have such names.
    """
    return character != " " and (unicodedata.category(character)[0] in "CZ" or _IGNORABLE.fullmatch(character) is not None)


def _check_inheritance(reader: ProblemList, document: PermissionDocument) -> None:
    groups = [ref for ref in document.subjects if ref.kind is RefKind.GROUP]
    in_circles: set[str] = set()
    for ref in groups:
        pointer = child("/groups", ref.name) + "/inherits"
        for parent in document.subjects[ref].inherits:
            if PrincipalRef(RefKind.GROUP, parent) not in document.subjects:
                reader.report(pointer, f"there is no group `{parent}` to inherit from: add it under `groups` or take it out")
        ancestors = document.ancestors(ref)
        if len(ancestors) > MAX_ANCESTORS:
            reader.report(
                pointer, f"group `{ref.name}` inherits from more than {MAX_ANCESTORS} groups, near and far: take steps out in between"
            )
        elif ref.name in ancestors and ref.name not in in_circles:
            # One problem for each circle: mending it mends it for all of its groups.
            circle = [name for name in ancestors if ref.name in document.ancestors(PrincipalRef(RefKind.GROUP, name))]
            in_circles.update(circle)
            reader.report(pointer, f"group `{ref.name}` inherits from itself in the circle of `{'`, `'.join(circle)}`: take one step out")


def _check_selectors(reader: ProblemList, document: PermissionDocument) -> None:
    """Each selector must mean a route, and each bound parameter must be in every route that it means."""
    known: dict[tuple[str, tuple[str, ...], tuple[Binding, ...]], list[tuple[str, str]]] = {}
    for subject in document.subjects.values():
        for permission in subject.permissions:
            key = permission.selector, permission.excepted, permission.where
            # Most permissions of a large document are like those of another subject.
            if key not in known:
                known[key] = list(_selector_problems(permission, document.catalog))
            for below, message in known[key]:
                reader.report(reader.places[permission] + below, message)


def _selector_problems(permission: Permission, catalog: RouteCatalog) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a selector beside its catalogue, each with the place below the permission's own."""
    routes = catalog.select(parse_selector(permission.selector))
    if not routes:
        yield "", f"`{permission.selector}` means no route of the catalogue{_hint(permission.selector, catalog)}"
    if permission.excepted and routes:
        yield from _except_problems(permission, routes)
        routes = _routes_left(permission, routes)
    for parameter in sorted({binding.parameter for binding in permission.where}):
        lacking = next((route for route in routes if parameter not in route.parameters), None)
        if lacking is not None:
            yield "/where", f"`{parameter}` is no parameter of `{lacking}`: `where` names path parameters"
    lengths = {binding.parameter: _CLAIM_LENGTHS.get(binding.claim, _MAX_CLAIM_VALUE) for binding in permission.where}
    for route in routes:
        length = sum(1 + (len(s.text) if s.kind is SegmentKind.LITERAL else lengths.get(s.text, len(s.text))) for s in route.segments)
        if length > MAX_PATH:
            yield "", f"`{route}` may take {length} characters of a policy, more than {MAX_PATH}: shorten the route"


def _except_problems(permission: Permission, routes: Iterable[RouteTemplate]) -> Iterator[tuple[str, str]]:
    """Yield the exceptions that take nothing out, since they are misspelt or meant for another permission, and those that leave nothing."""
    selector = parse_selector(permission.selector)
    meant = [(verb, route) for route in routes for verb in route.verbs if selector.matches(verb, route)]
    for text in permission.excepted:
        if not any(parse_selector(text).matches(verb, route) for verb, route in meant):
            yield "/except", f"`{text}` takes nothing out of `{permission.selector}`: correct it or take it out"
    if all(permission.leaves_out(verb, route) for verb, route in meant):
        yield "/except", f"the exceptions leave nothing of `{permission.selector}`: take out the permission, or one of them"


def _routes_left(permission: Permission, routes: Iterable[RouteTemplate]) -> tuple[RouteTemplate, ...]:
    return tuple(route for route in routes if any(permission.means(verb, route) for verb in route.verbs))


def _hint(selector: str, catalog: RouteCatalog) -> str:
    method, _, path = selector.partition(" ")
    try:
        segments = parse_route(f"GET {path}").segments
    except RouteSyntaxError:
        return ": selectors are matched against the templates under `routes`, not against paths of requests"
    shape = RouteTemplate(method, segments).shape
    near = [str(r) for r in catalog.routes if r.shape == shape] or _taking(method.upper(), segments, catalog)
    return f": did you mean `{near[0]}`?" if near else ": add the route under `routes` or correct the selector"


def _taking(verb: str, segments: Iterable[Segment], catalog: RouteCatalog) -> list[str]:
    """Return the route that takes a path which was written in place of its template: `GET /pets/7` -> `GET /pets/{petId}`."""
    match = catalog.match(verb, tuple(str(segment) for segment in segments))
    return [] if match is None else [f"{verb} {match.route.path}"]


def _check_enforced(reader: ProblemList, document: PermissionDocument) -> None:
    if "route" not in document.enforced:
        return
    for route in document.catalog.routes:
        below = [r for verb in route.verbs for r in document.catalog.below(route.path, verb)] if route.is_greedy else []
        if below:
            reader.report(
                "/enforced",
                f"`route` scope cannot tell `{below[0]}` from `{route}`, which takes in its requests: "
                "enforce `request` scope, or narrow the greedy route",
            )
    for permission in [p for subject in document.subjects.values() for p in subject.permissions if p.where]:
        # The empty value stands for one that is no literal of any route.
        bound = {binding.parameter: "" for binding in permission.where}
        for route in _routes_left(permission, document.catalog.select(parse_selector(permission.selector))):
            if not can_hold(route, bound):
                reader.report(
                    f"{reader.places[permission]}/where",
                    f"`route` scope cannot hold this to its place in `{route}`, {_NOT_HELD[route.is_greedy]}",
                )

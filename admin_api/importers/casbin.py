"""Makes a document of a Casbin policy: `p, sub, obj, act[, eft]` and `g, user, role` (Casbin, "Policy Storage").

Objects are compared with routes as sets of paths: a route is taken where the lines of a role allow every request of it, and denied where one of them
denies any.
"""

import csv
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from admin_api.importers.casbin_model import EXACT, KEY_MATCHES, REGEX, CasbinModel
from admin_api.importers.foreign_text import read_foreign
from admin_api.importers.iam_document import parse_made, selectors_for
from admin_api.importers.iam_policies import ApiArn, Cell, RouteWords, Tokens, Wild
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError, NotTaken, api_name, document_of
from admin_api.importers.route_list import RouteList
from authorizer.policy.route import DEFAULT_ROUTE, VERBS, WEBSOCKET, RouteCatalog

_STAGE = ApiArn((), "casbin")
_PARAMETER = re.compile(r":([^/:{}]+)|\{([^/{}]+)\}")
_METACHARACTERS = set("()[]{}+?|^$\\*")
_MAX_PATTERN = 200
_MAX_NAMED = 3

ASSUMED_MODEL = "there is no --model: objects are read as `keyMatch2` reads them, actions as `regexMatch` does, and a deny wins: give the model if it differs"
SPELLINGS = "Casbin compares a path as it was sent, Gatebook its route: `/pets/`, `//pets` and `/%70ets` are one route here and were three texts there"
ALL_ARE_GROUPS = "no `g` line says which subjects are roles: each subject is taken for a group of the token"
ROUTES_OF_POLICY = (
    "the routes are those that the policy names: give --openapi, --template or --routes, since what is not in the catalogue is denied"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A `p` line. `verbs` are the methods that its action means, `pattern` the paths that its object means, each None where nobody can tell."""

    place: str
    subject: str
    object: str
    action: str
    permits: bool
    verbs: frozenset[str] | None
    pattern: Tokens | None

    @property
    def problem(self) -> str:
        """Why it cannot be read, `` if it can."""
        if self.verbs is None:
            return f"its action `{self.action}` is no method of HTTP"
        return f"its object `{self.object}` is no path, or no pattern that a set of routes is like" if self.pattern is None else ""


@dataclass(slots=True)
class CasbinPolicy:
    """The lines of a file, and who has which role."""

    name: str
    lines: list[Line] = field(default_factory=list)
    roles: dict[str, set[str]] = field(default_factory=dict)
    not_taken: list[NotTaken] = field(default_factory=list)


def read_policy_file(path: Path, model: CasbinModel) -> CasbinPolicy:
    """Return what a policy file says, read as the model compares. Raises `ImportSourceError` with the line of what is no Casbin."""
    source = read_foreign(str(path))
    policy = CasbinPolicy(source.name)
    for number, text in enumerate(source.text.splitlines(), 1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        place = f"{source.name}:{number}"
        kind, *fields = _fields(text)
        if kind == "p" and len(fields) in (3, 4) and (fields[3:] or ["allow"])[0] in ("allow", "deny"):
            verbs, pattern = _verbs(fields[2], model), _pattern(fields[1], model.objects)
            subject, text_of_object, action = fields[:3]
            policy.lines.append(Line(place, subject, text_of_object, action, fields[3:] != ["deny"], verbs, pattern))
        elif kind == "g" and len(fields) == 2:
            policy.roles.setdefault(fields[0], set()).add(fields[1])
        elif re.fullmatch(r"[pg]\d*", kind):
            policy.not_taken.append(
                NotTaken(place, f"`{text.strip()}`: only `p, sub, obj, act[, eft]` and `g, user, role` are read: write it by hand")
            )
        else:
            raise ImportSourceError(
                f"{place}: `{text.strip()[:60]}` is no line of a Casbin policy: write it as in `p, admin, /pets/:id, GET`"
            )
    if not policy.lines:
        raise ImportSourceError(f"{source.name}: no policy is in it: it must have lines such as `p, admin, /pets/:id, GET`")
    if policy.not_taken and model.denies and any(not line.permits for line in policy.lines):
        raise ImportSourceError(
            f"{policy.not_taken[0].place}: the policy has denies and lines that cannot be read, so that a deny may be missing: write them as `p` and `g`"
        )
    return policy


def _fields(text: str) -> list[str]:
    try:
        return [each.strip() for each in next(csv.reader([text], skipinitialspace=True))]
    except csv.Error:
        return [""]


def _verbs(action: str, model: CasbinModel) -> frozenset[str] | None:
    """Return the methods that an action means: `(GET)|(POST)` -> both, `read` -> None."""
    if action == "*" and model.any_action:
        return frozenset(VERBS)
    if model.actions != REGEX or action.upper() in VERBS:
        return frozenset({action.upper()}) if action.upper() in VERBS else None
    try:
        # Casbin's own search is not anchored either. A method has seven letters at most.
        found = frozenset(verb for verb in VERBS if re.search(action, verb)) if len(action) <= _MAX_PATTERN else frozenset()
    except re.error:
        return None
    return found or None


def _pattern(text: str, function: str) -> Tokens | None:
    """Return the paths that an object means, without their first slash: `/pets/:id` -> `pets/` and any segment. None where it is no path."""
    if text == "*" and function != EXACT:
        return (Wild.RUN,)
    if not text.startswith("/") or function == REGEX:
        return None
    tokens: list[str | Wild] = []
    names: list[str] = []
    at = 1
    while at < len(text):
        parameter = _PARAMETER.match(text, at)
        # To `==` and `keyMatch` a parameter is plain text: they are handed the template of a route, where it is a whole segment.
        if parameter is not None and (function not in (EXACT, "keyMatch") or _is_segment(text, at, parameter.end())):
            names.append(parameter[0])
            tokens += (Wild.ONE_IN_SEGMENT, Wild.RUN_IN_SEGMENT)
            at = parameter.end()
            continue
        if text[at] == "*" and function == "keyMatch":
            return (*tokens, Wild.RUN)
        if text[at] == "*" and function in KEY_MATCHES and text[at - 1] == "/":
            tokens.append(Wild.RUN)
        elif function in KEY_MATCHES[1:] and text[at] in _METACHARACTERS:
            return None
        else:
            tokens.append(Wild.ONE if text[at] == "." and function in KEY_MATCHES[1:] else text[at])
        at += 1
    if function == "keyMatch4" and len(set(names)) < len(names):
        return None
    return tuple(tokens)


def _is_segment(text: str, start: int, end: int) -> bool:
    return text[start - 1] == "/" and text[end : end + 1] in ("", "/")


def routes_of_policy(policy: CasbinPolicy) -> FoundRoutes:
    """Return the routes that the lines name: `/pets/:id` -> `/pets/{id}`, `/files/*` -> `/files/{proxy+}`, `*` -> what `$default` serves."""
    routes = RouteList()
    for line in policy.lines:
        if line.verbs is None or line.pattern is None:
            continue
        path = DEFAULT_ROUTE if line.object == "*" else re.sub(r"/\*$", "/{proxy+}", _PARAMETER.sub(r"{\1\2}", line.object))
        for verb in ["ANY"] if len(line.verbs) == len(VERBS) else [verb for verb in VERBS if verb in line.verbs]:
            routes.add(verb, path, line.place)
    return FoundRoutes(policy.name.rpartition(".")[0] or policy.name, routes.found(), tuple(routes.not_taken))


def document_of_casbin(
    policy: CasbinPolicy, model: CasbinModel, found: FoundRoutes, name: str | None = None, groups: Collection[str] = ()
) -> Imported:
    """Return a document with these routes and what roles may call of them. `groups` are roles that no `g` line names. Raises `ImportSourceError`."""
    if not found.routes:
        raise ImportSourceError(f"{found.name}: there is no route in it: list every route of the API, as in `GET /pets`")
    base = document_of(found, name or api_name(policy.name.rpartition(".")[0]))
    making = _Making(policy, model, RouteCatalog(route.route for route in found.routes), groups)
    document = {**base.document, "groups": making.groups()}
    parse_made(document)
    return Imported(document, (*base.not_taken, *policy.not_taken, *making.left), (*base.notes, SPELLINGS, *making.notes))


class _Making:
    def __init__(self, policy: CasbinPolicy, model: CasbinModel, catalog: RouteCatalog, groups: Collection[str]) -> None:
        self._catalog = catalog
        self._words = RouteWords(catalog, _STAGE)
        self._roles = policy.roles if model.has_roles else {}
        self.left: list[NotTaken] = []
        self.notes: list[str] = []
        self._lines = policy.lines
        if not model.denies and any(not line.permits for line in policy.lines):
            self.notes.append("denies mean nothing in this model, whose effect is allow-override: they are left out")
            self._lines = [line for line in policy.lines if line.permits]
        named = {role for roles in self._roles.values() for role in roles} | set(groups)
        if not named:
            self.notes.append(ALL_ARE_GROUPS)
            named = {line.subject for line in policy.lines}
        self._groups = sorted(named)
        self._tell_people()

    def _tell_people(self) -> None:
        people = sorted(set(self._roles) - set(self._groups))
        if people:
            self.notes.append(
                f"{len(people)} users have roles by `g` lines ({_some(people)}): who is in which group is the user pool's to say"
            )
        for line in self._lines:
            if line.subject in self._groups:
                continue
            who = f"`{line.subject}` is a user, or a role that no `g` line gives: name a role with `--group`"
            reason = (
                f"{who}, put a user into a group"
                if line.permits
                else f"the deny is NOT taken, so that the document is wider there: {who}, put a user on the denylist"
            )
            self.left.append(NotTaken(line.place, reason))

    def groups(self) -> dict[str, dict[str, list[str]]]:
        """Return what each role may, with what it has of other roles."""
        result = {}
        for group in self._groups:
            held = self._closure(group)
            if len(held) > 1:
                self.notes.append(f"group {group}: what it has of the roles {', '.join(sorted(held - {group}))} is written out under it")
            lines = [line for line in self._lines if line.subject in held]
            allows = [line for line in lines if line.permits and not line.problem]
            allowed = frozenset(cell for cell in self._catalog.cells if self._is_allowed(allows, cell))
            denied = frozenset(cell for line in lines if not line.permits for cell in self._denied(line))
            entries = {"allow": selectors_for(allowed, self._catalog), "deny": selectors_for(denied, self._catalog)}
            result[group] = {effect: selectors for effect, selectors in entries.items() if selectors}
            self._name_parts([line for line in lines if line.subject == group], allowed)
        return result

    def _closure(self, role: str) -> set[str]:
        found, todo = {role}, [role]
        while todo:
            for each in self._roles.get(todo.pop(), ()):
                if each not in found:
                    found.add(each)
                    todo.append(each)
        return found

    def _is_allowed(self, lines: Iterable[Line], cell: Cell) -> bool:
        patterns = [pattern for line in lines for pattern in _of_verb(line, cell)]
        return bool(patterns) and self._words.unmatched(patterns, cell) is None

    def _denied(self, line: Line) -> Iterable[Cell]:
        """Return the cells of which a deny takes any request; all of them where nobody can tell."""
        if line.problem:
            return self._catalog.cells
        return [cell for cell in self._catalog.cells if self._words.matched(_of_verb(line, cell), cell) is not None]

    def _name_parts(self, lines: Iterable[Line], allowed: frozenset[Cell]) -> None:
        """Say what lines of a role mean that the document does not say as they do."""
        for line in lines:
            if line.problem and line.permits:
                self.left.append(NotTaken(line.place, f"the line is left out: {line.problem}; write the routes by hand"))
            elif line.problem:
                self.left.append(NotTaken(line.place, f"the deny is taken as one of every route: {line.problem}; narrow it by hand"))
            else:
                self._name_part(line, allowed)

    def _name_part(self, line: Line, allowed: frozenset[Cell]) -> None:
        matched = [(cell, path) for cell in self._catalog.cells if (path := self._words.matched(_of_verb(line, cell), cell)) is not None]
        if not matched:
            self.left.append(
                NotTaken(
                    line.place,
                    f"`{line.action} {line.object}` means no request of any route: correct it, or list the route",
                )
            )
        whole: Callable[[Cell], bool] = (
            allowed.__contains__ if line.permits else lambda cell: self._words.unmatched(_of_verb(line, cell), cell) is None
        )
        parts = [f"`{cell[0]} {cell[1].path}` (`/{path}`)" for cell, path in matched if not whole(cell)]
        if parts:
            become = (
                "not taken, write the routes by hand if the whole is meant"
                if line.permits
                else "denied whole, write them by hand if that is too much"
            )
            self.left.append(NotTaken(line.place, f"`{line.action} {line.object}` means a part only of {_some(parts)}: {become}"))


def _of_verb(line: Line, cell: Cell) -> list[Tokens]:
    """Return the patterns of a line as `RouteWords` compares them, none if the line means no request with the cell's verb."""
    verb = cell[0]
    if verb == WEBSOCKET or line.verbs is None or line.pattern is None or verb not in line.verbs:
        return []
    patterns = [line.pattern]
    # `/pets/` is the route of `/pets` here: what is denied there must be denied.
    if not line.permits and line.pattern[-1:] == ("/",):
        patterns.append(line.pattern[:-1])
    return [(*_STAGE.stage, "/", *verb, "/", *pattern) for pattern in patterns]


def _some(listed: list[str]) -> str:
    return ", ".join(listed[:_MAX_NAMED]) + (f" and {len(listed) - _MAX_NAMED} more" if len(listed) > _MAX_NAMED else "")

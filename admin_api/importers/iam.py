"""Makes a document of "group -> IAM role -> identity pool": each group may call the routes of which its role allows every request.

A document speaks of whole routes. What a role allows only in part is left out and named, and what it may deny in part is left out as well, so that no group
gets more than its role gave. Identity pools give one role to a person, Gatebook unites the person's groups: `iam_proof` shows for whom that is more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from admin_api.importers.iam_policies import ApiArn, Applies, Cell, Resource, RouteWords, Statement, Tokens, read_policy, symbol
from admin_api.importers.imported import ImportSourceError, NotTaken
from authorizer.policy.route import SegmentKind

Where = tuple[tuple[str, str], ...]
"""Path parameters and the claims that they must equal, sorted."""

_MAX_VARIABLES = 3
_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Role:
    """A role and its policies as parsed JSON, each with its name. `boundary` is its permissions boundary, if it has one."""

    name: str
    policies: tuple[tuple[str, Any], ...]
    boundary: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a user pool. The lower number takes precedence."""

    name: str
    precedence: int | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of an identity pool's role mapping."""

    claim: str
    match: str
    value: str
    role: str


@dataclass(frozen=True, slots=True)
class Pool:
    """How an identity pool chooses a role: by rules in turn, or with none of them by the token. `fallback` is the role of whoever gets none that way."""

    rules: tuple[Rule, ...] = ()
    by_rules: bool = False
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class IamSource:
    """Everything that is imported. `claims` are the policy variables that are claims of the token: `aws:PrincipalTag/org` -> `custom:org`."""

    api: ApiArn
    groups: tuple[Group, ...]
    roles: Mapping[str, Role]
    pool: Pool = field(default_factory=Pool)
    claims: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleAccess:
    """What a role may call: each request of the cells in `free`, and those of the cells in `bound` where parameters equal claims.

    `before_denies` would be `free` if the role denied nothing.
    """

    free: frozenset[Cell] = frozenset()
    bound: frozenset[tuple[Cell, Where]] = frozenset()
    before_denies: frozenset[Cell] = frozenset()
    not_taken: tuple[NotTaken, ...] = ()


@dataclass(frozen=True, slots=True)
class MergedAccess:
    """What a policy adds where the policies of all groups of a person are one: `allowed` are the cells of which it allows each request, `denied` those of which
    it denies, or may deny, any."""

    allowed: frozenset[Cell]
    denied: frozenset[Cell]
    not_taken: tuple[NotTaken, ...] = ()


def roles_of(source: IamSource, names: Sequence[str]) -> frozenset[str | None]:
    """Return the roles that an identity pool may give to a member of these groups: one where that is certain. None stands for no role."""
    if source.pool.by_rules:
        return _roles_by_rules(source.pool, names)
    held = [group for group in source.groups if group.name in names]
    if not held:
        return frozenset({source.pool.fallback})
    best = min(_precedence(group) for group in held)
    roles = {group.role for group in held if _precedence(group) == best}
    if len(roles) == 1 and None not in roles:
        return frozenset(roles)
    # Several: the token says no preferred role. None: AWS does not say whether a group without a role hides those of others.
    others = {group.role for group in held if group.role} if None in roles else set()
    return frozenset({source.pool.fallback, *others})


def _precedence(group: Group) -> float:
    return float("inf") if group.precedence is None else group.precedence


def _roles_by_rules(pool: Pool, names: Sequence[str]) -> frozenset[str | None]:
    possible: set[str | None] = set()
    for rule in pool.rules:
        applies = _rule_applies(rule, names)
        if applies is not Applies.NO:
            possible.add(rule.role)
        if applies is Applies.YES:
            return frozenset(possible)
    return frozenset({*possible, pool.fallback})


def _rule_applies(rule: Rule, names: Sequence[str]) -> Applies:
    """Return whether a rule is met by a token with these groups. The claim is a list, and AWS does not say how a part of a name is compared with it."""
    if rule.claim == "cognito:groups" and rule.match in ("Contains", "Equals"):
        if rule.value in names and (rule.match == "Contains" or len(names) == 1):
            return Applies.YES
        if rule.match == "Contains":
            return Applies.MAYBE if any(rule.value in name for name in names) else Applies.NO
        return Applies.MAYBE if rule.value in names else Applies.NO
    return Applies.MAYBE


def access_of_groups(source: IamSource, words: RouteWords) -> tuple[dict[str, RoleAccess], list[NotTaken]]:
    """Return what each group's members get in the document, and what of the source that does not say."""
    roles: dict[str | None, RoleAccess] = {None: RoleAccess()}
    not_taken: list[NotTaken] = []
    result = {}
    for group in source.groups:
        possible = roles_of(source, (group.name,))
        for name in sorted(role for role in possible if role is not None and role not in roles):
            roles[name] = role_access(role_of(source, name), source, words)
            not_taken += roles[name].not_taken
        if possible == {None}:
            not_taken.append(NotTaken(f"group {group.name}", "the identity pool gives its members no role: it gets nothing"))
        elif len(possible) > 1:
            listed = ", ".join(f"`{name}`" if name else "none" for name in sorted(possible, key=str))
            not_taken.append(
                NotTaken(
                    f"group {group.name}",
                    f"its role may be each of {listed}: the document has what all of them allow; add the rest by hand",
                )
            )
        first, *others = (roles[name] for name in possible)
        result[group.name] = RoleAccess(
            first.free.intersection(*(each.free for each in others)),
            first.bound.intersection(*(each.bound for each in others)),
            first.before_denies.intersection(*(each.before_denies for each in others)),
        )
    if source.pool.fallback is not None:
        reason = f"whoever gets no other role has `{source.pool.fallback}`: if members of all groups may as much, write it under `everyone`"
        not_taken.append(NotTaken("people in no group", reason))
    return result, not_taken


def role_of(source: IamSource, name: str) -> Role:
    """Return a role that the identity pool may give. Raises `ImportSourceError` if nobody wrote what it may."""
    if name not in source.roles:
        raise ImportSourceError(f"there are no policies of the role `{name}`: put them as JSON files into `roles/{name}/`")
    return source.roles[name]


def role_access(role: Role, source: IamSource, words: RouteWords) -> RoleAccess:
    """Return what a role may call of the catalogue, and what of its policies that does not say."""
    statements = [s for name, policy in role.policies for s in read_policy(policy, f"role {role.name}, {name}", source.api)]
    reader = _RoleReader(words, source.claims, statements)
    if role.boundary:
        reason = f"its permissions boundary `{role.boundary}` may take away anything: take the boundary off, or write the group by hand"
        return RoleAccess(not_taken=(NotTaken(f"role {role.name}", reason),))
    return reader.read()


def merged_access(place: str, policy: Any, words: RouteWords) -> MergedAccess:
    """Return what a policy of an authorizer's answer adds of the catalogue. Its denies take from the whole answer, whoever brought the allows."""
    return _RoleReader(words, None, list(read_policy(policy, place, words.api))).read_merged()


class _RoleReader:
    """Reads the statements of one role beside a catalogue."""

    def __init__(self, words: RouteWords, claims: Mapping[str, str] | None, statements: Sequence[Statement]) -> None:
        """`claims` are None where policy variables have no value at all."""
        self.words = words
        self.claims = claims or {}
        self.has_variables = claims is not None
        self.cells = words.catalog.cells
        self.allows = [s for s in statements if not s.is_deny]
        self.denies = [s for s in statements if s.is_deny]
        self.certain_denies = [r.pattern for s in self.denies if not s.doubt for r in s.resources if r.is_plain]
        self.not_taken: dict[NotTaken, None] = {}

    def read(self) -> RoleAccess:
        readable, before = self._allowed()
        conditional = {
            (cell, where)
            for _, r in readable
            if r.variables
            for cell in self.cells
            if cell not in before
            for where in self._wheres(r, cell)
        }
        touched = self._denied(before | {cell for cell, _ in conditional}, "left out whole, write them by hand")
        free = before - touched
        bound = frozenset((cell, where) for cell, where in conditional if cell not in touched)
        for statement, resource in readable:
            self._name_parts(statement, resource, before | {cell for cell, _ in conditional})
        return RoleAccess(free, bound, before, tuple(self.not_taken))

    def read_merged(self) -> MergedAccess:
        """Return what the statements add to an answer that others add to as well."""
        readable, allowed = self._allowed()
        denied = self._denied(self.cells, "denied whole, write them by hand if that is too much")
        for statement, resource in readable:
            self._name_parts(statement, resource, allowed)
        return MergedAccess(allowed, denied, tuple(self.not_taken))

    def _allowed(self) -> tuple[list[tuple[Statement, Resource]], frozenset[Cell]]:
        """Return the allows that mean something certain, and the cells of which those without variables allow each request."""
        readable = [(s, r) for s in self.allows for r in s.resources if self._is_readable(s, r)]
        plain = [r.pattern for _, r in readable if r.is_plain]
        return readable, frozenset(cell for cell in self.cells if plain and self.words.unmatched(plain, cell) is None)

    def _say(self, statement: Statement, reason: str) -> None:
        self.not_taken[NotTaken(statement.place, reason)] = None

    def _is_readable(self, statement: Statement, resource: Resource) -> bool:
        """Return whether an allow of a resource means something certain, and say why not."""
        unknown = [name for name in resource.variables if name not in self.claims]
        if resource.applies is Applies.NO and not statement.inverted:
            return False
        if statement.doubt:
            self._say(statement, f"an allow with {statement.doubt} cannot be said in a document: write what it gives by hand")
        elif resource.applies is Applies.MAYBE:
            self._say(
                statement,
                f"`{resource.text}` may mean this API and may not: write the ARN in full, with partition, region, account and API",
            )
        elif unknown and self.has_variables:
            self._say(statement, _about_variable(resource, unknown[0]))
        elif unknown:
            self._say(
                statement,
                f"`{resource.text}` has the variable `{unknown[0]}`, which no authorizer's answer gives a value: write a `where` by hand",
            )
        elif not resource.whole_segments or len(resource.variables) > _MAX_VARIABLES:
            self._say(
                statement,
                f"`{resource.text}` has a variable that is a part of a segment, or more than {_MAX_VARIABLES}: `where` binds whole ones",
            )
        else:
            return True
        return False

    def _wheres(self, resource: Resource, cell: Cell) -> Iterable[Where]:
        """Yield the bindings with which each request of a route is one of the resource's: `.../GET/users/${v}` -> `{userId}` is the claim of `v`."""
        if self.words.matched([resource.widest], cell) is None:
            return
        names = [s.text for s in cell[1].segments if s.kind is SegmentKind.PARAMETER]
        for chosen in permutations(names, len(resource.variables)):
            bound = {name: symbol(number) for number, name in enumerate(chosen)}
            if self.words.unmatched([resource.pattern], cell, bound) is None:
                yield tuple(sorted((name, self.claims[variable]) for name, variable in zip(chosen, resource.variables, strict=True)))

    def _denied(self, granted: Iterable[Cell], become: str) -> frozenset[Cell]:
        """Return the cells of which a deny takes, or may take, any request; say of those that it takes in part, and what they become."""
        result = set()
        parts: dict[Statement, list[tuple[Cell, str]]] = {}
        for cell in granted:
            for statement in self.denies:
                path = self._touched(statement, cell)
                if path is None:
                    continue
                result.add(cell)
                if self.words.unmatched(self.certain_denies, cell) is not None:
                    parts.setdefault(statement, []).append((cell, path))
        for statement, found in parts.items():
            why = f" for it has {statement.doubt}" if statement.doubt else ""
            self._say(
                statement,
                f"the deny takes, or may take, a part only of {_named(found)}{why}: these routes are {become}",
            )
        return frozenset(result)

    def _touched(self, statement: Statement, cell: Cell) -> str | None:
        if statement.inverted:
            return self.words.unmatched([r.pattern for r in statement.resources if r.is_plain], cell)
        return self.words.matched([r.widest for r in statement.resources if r.applies is not Applies.NO], cell)

    def _name_parts(self, statement: Statement, resource: Resource, granted: Iterable[Cell]) -> None:
        """Say which routes a resource allows in part, and that it allows none at all."""
        taken = set(granted)
        pattern: Tokens = resource.widest
        matched = [(cell, path) for cell in self.cells if (path := self.words.matched([pattern], cell)) is not None]
        found = [
            (cell, path) for cell, path in matched if cell not in taken and self.words.unmatched(self.certain_denies, cell) is not None
        ]
        if "{" in resource.text.replace("${", ""):
            self._say(
                statement,
                f"`{resource.text}` has a parameter's name, which IAM takes for plain text: it grants nothing; write `*` if it is meant",
            )
        elif not matched:
            self._say(statement, f"`{resource.text}` matches no request of any route of the catalogue: correct it, or list the route")
        elif found:
            self._say(
                statement,
                f"`{resource.text}` allows a part only of {_named(found)}: not taken, write the routes by hand if the whole is meant",
            )


def _about_variable(resource: Resource, name: str) -> str:
    if name == "cognito-identity.amazonaws.com:sub":
        return (
            f"`{resource.text}` has the identity id, which is no claim of the token and not its `sub`: if paths may have a claim instead, "
            f"say which with `--claim {name}=sub`"
        )
    return f"`{resource.text}` has the variable `{name}`: say which claim of the token it is with `--claim {name}=CLAIM`"


def _named(found: Sequence[tuple[Cell, str]]) -> str:
    """Return some routes, each with a request of it: "`GET /pets/{petId}` (`pets/7`) and 3 more"."""
    listed = ", ".join(f"`{verb} {route.path}` (`{path}`)" for (verb, route), path in found[:_MAX_NAMED])
    return listed + (f" and {len(found) - _MAX_NAMED} more" if len(found) > _MAX_NAMED else "")

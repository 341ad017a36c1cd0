"""Reads IAM identity policies for `execute-api:Invoke`, and compares their resources with whole routes.

The requests of a route are a set of ARNs: `GET /pets/{petId}` is `GET/pets/` and any text without a slash, except the words of sibling routes. A resource
with wildcards is a set of ARNs too. Both are small automata, so that "matches every request of the route" and "matches some" are computed, not sampled.
IAM compares character by character: `*` is any run of characters, `/` among them, and `?` is one character.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import takewhile
from typing import Any

from admin_api.importers.imported import ImportSourceError
from authorizer.policy.route import WEBSOCKET, RouteCatalog, RouteTemplate, Segment, SegmentKind

INVOKE = "execute-api:Invoke"

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_ESCAPES = ("*", "?", "$")
_FIRST_SYMBOL = 0xE000
"""Stands in patterns and paths for the value of a policy variable: a private character that no source has."""

_FILLERS = "x0123456789abcdefghijklmnopqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_~!"
_ELEMENTS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


class Wild(Enum):
    """What in a pattern is no plain character."""

    RUN = "*"
    ONE = "?"
    RUN_IN_SEGMENT = "a run without a slash"
    ONE_IN_SEGMENT = "one character that is no slash"


Token = str | Wild
Tokens = tuple[Token, ...]
Cell = tuple[str, RouteTemplate]


class Applies(StrEnum):
    """Whether something of a policy speaks of the invocations of this API."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


@dataclass(frozen=True, slots=True)
class ApiArn:
    """One stage of an API, as `arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod` names it. `stage` is `a1b2c3d4e5/prod`."""

    fields: tuple[str, ...]
    stage: str

    def __str__(self) -> str:
        return ":".join((*self.fields, self.stage))

    def request(self, verb: str, path: str) -> str:
        """Return the ARN that IAM is asked about: `GET` and `pets/7` -> `arn:...:a1b2c3d4e5/prod/GET/pets/7`. A WebSocket route has its key only."""
        return f"{self}/{path}" if verb == WEBSOCKET else f"{self}/{verb}/{path}"


def parse_api_arn(text: str) -> ApiArn:
    """Return the stage that an ARN names. Raises `ImportSourceError`."""
    fields = text.split(":")
    stage = fields[5:]
    if (
        len(fields) != 6
        or not all(re.fullmatch(r"[a-z0-9-]+", field) for field in fields[:5])
        or (fields[0], fields[2]) != ("arn", "execute-api")
        or not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9_$-]+", stage[0])
    ):
        raise ImportSourceError(
            f"`{text}` is no stage of an API: write `arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE`, nothing left open"
        )
    return ApiArn(tuple(fields[:5]), stage[0])


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a statement. `pattern` is compared with API id, stage, verb and path: `a1b2c3d4e5/prod/GET/pets/*`.

    `applies` is `MAYBE` where AWS leaves open what the text means; `pattern` is then at least as wide. A policy variable is one private character in the
    pattern; `variables` names them in that order, and `whole_segments` tells whether each is a segment by itself.
    """

    text: str
    applies: Applies
    pattern: Tokens
    variables: tuple[str, ...] = ()
    whole_segments: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether what it matches is certain and the same for everybody."""
        return self.applies is Applies.YES and not self.variables

    @property
    def widest(self) -> Tokens:
        """The pattern with any text for each variable."""
        return tuple(Wild.RUN if is_symbol(token) else token for token in self.pattern)


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement says of invocations of this API. `place` is `role reader, policy.json, statement 1`.

    `doubt` tells why it cannot be read exactly (a condition, say), and is empty for a statement that can. With `inverted` the resources are those of
    `NotResource`.
    """

    place: str
    is_deny: bool
    resources: tuple[Resource, ...]
    doubt: str = ""
    inverted: bool = False


def symbol(number: int) -> str:
    """Return the character that stands for a variable's value."""
    return chr(_FIRST_SYMBOL + number)


def is_symbol(token: Token) -> bool:
    """Return whether a token stands for a variable's value."""
    return isinstance(token, str) and _FIRST_SYMBOL <= ord(token) < _FIRST_SYMBOL + 256


def read_policy(value: object, place: str, api: ApiArn) -> Iterator[Statement]:
    """Yield the statements of a policy that speak of this API's invocations, or may. Raises `ImportSourceError` for what is no policy."""
    if not isinstance(value, Mapping) or "Statement" not in value:
        raise ImportSourceError(f"{place}: this is no IAM policy: it needs `Version` and `Statement`")
    listed = value["Statement"] if isinstance(value["Statement"], list) else [value["Statement"]]
    # A policy without a version is one of 2008, where `${` is plain text.
    variables = value.get("Version", "2008-10-17") != "2008-10-17"
    for number, each in enumerate(listed, 1):
        at = f"{place}, statement {number}"
        if not isinstance(each, Mapping) or each.get("Effect") not in ("Allow", "Deny"):
            raise ImportSourceError(f"{at}: it is no statement with `Effect` `Allow` or `Deny`")
        statement = _read_statement(each, at, api, variables=variables)
        if statement is not None:
            yield statement


def _read_statement(fields: Mapping[str, Any], place: str, api: ApiArn, *, variables: bool) -> Statement | None:
    doubts = [f"the element `{name}`" for name in fields if name not in _ELEMENTS]
    if "Action" in fields:
        if not any(glob_matches(action.lower(), INVOKE.lower()) for action in _texts(fields, "Action", place)):
            return None
    else:
        if any(glob_matches(action.lower(), INVOKE.lower()) for action in _texts(fields, "NotAction", place)):
            return None
        doubts.append("`NotAction`")
    inverted = "Resource" not in fields
    resources = tuple(
        _read_resource(text, api, variables=variables) for text in _texts(fields, "NotResource" if inverted else "Resource", place)
    )
    if inverted:
        doubts.append("`NotResource`")
    if fields.get("Condition"):
        doubts.append(f"the condition {_condition_words(fields['Condition'])}")
    return Statement(place, fields["Effect"] == "Deny", resources, " and ".join(doubts), inverted)


def _texts(fields: Mapping[str, Any], name: str, place: str) -> list[str]:
    value = fields.get(name)
    listed: list[Any] = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(text, str) for text in listed):
        raise ImportSourceError(f"{place}: `{name}` is neither text nor a list of texts")
    return listed


def _condition_words(condition: object) -> str:
    if not isinstance(condition, Mapping):
        return "`?`"
    return ", ".join(
        f"`{operator}`" + (f" on `{', '.join(map(str, keys))}`" if isinstance(keys, Mapping) else "")
        for operator, keys in condition.items()
    )


def _read_resource(text: str, api: ApiArn, *, variables: bool) -> Resource:
    if text == "*":
        return Resource(text, Applies.YES, (Wild.RUN,))
    fields = text.split(":", 5)
    if len(fields) < 6:
        # AWS completes short ARNs in ways that are told in passing only.
        return Resource(text, Applies.MAYBE, (Wild.RUN,))
    pattern, names, whole = _read_pattern(fields[5], variables=variables)
    head = fields[:5]
    if variables and "${" in "".join(head):
        return Resource(text, Applies.MAYBE, (Wild.RUN,))
    if all(glob_matches(field, actual) for field, actual in zip(head, api.fields, strict=True)):
        plain_service = head[0] == "arn" and not set(head[2]) & {"*", "?"}
        return Resource(text, Applies.YES if plain_service else Applies.MAYBE, pattern, names, whole)
    # "If the * wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon boundaries": can, not does.
    if any(field.endswith("*") for field in head) and glob_begins(text, str(api)):
        return Resource(text, Applies.MAYBE, (Wild.RUN,))
    return Resource(text, Applies.NO, pattern, names, whole)


def _read_pattern(text: str, *, variables: bool) -> tuple[Tokens, tuple[str, ...], bool]:
    """Return a resource's tokens, its variables, and whether each of them is a whole segment: `a/*/GET/users/${aws:PrincipalTag/x}` -> it is."""
    tokens: list[Token] = []
    names: list[str] = []
    whole = True
    at = 0
    while at < len(text):
        found = _VARIABLE.match(text, at) if variables else None
        if found is not None and found[1] in _ESCAPES:
            tokens.append(found[1])
        elif found is not None:
            whole = whole and text[at - 1 : at] == "/" and text[found.end() : found.end() + 1] in ("", "/")
            tokens.append(symbol(len(names)))
            names.append(found[1])
        else:
            tokens.append(Wild(text[at]) if text[at] in "*?" else text[at])
        at = found.end() if found is not None else at + 1
    return tuple(tokens), tuple(names), whole


# --- Patterns and texts


States = frozenset[tuple[int, int]]
"""Where several patterns are at once: the number of each and how many of its tokens are done."""


def glob_matches(pattern: str, text: str) -> bool:
    """Return whether the whole text fits: `execute-api:I*` and `execute-api:Invoke` -> it does."""
    machine = _Machine((_plain_tokens(pattern),))
    return machine.accepts(machine.run(text))


def glob_begins(pattern: str, text: str) -> bool:
    """Return whether some text that begins so fits: `a*c` and `abb` -> it does."""
    machine = _Machine((_plain_tokens(pattern),))
    return bool(machine.run(text))


def _plain_tokens(text: str) -> Tokens:
    return tuple(Wild(c) if c in "*?" else c for c in text)


@dataclass(frozen=True, slots=True)
class _Machine:
    """Several patterns read side by side."""

    patterns: tuple[Tokens, ...]

    def start(self) -> States:
        return self._with_empty_runs((number, 0) for number in range(len(self.patterns)))

    def step(self, states: States, character: str) -> States:
        onward = []
        for number, done in states:
            token = self.patterns[number][done] if done < len(self.patterns[number]) else None
            if token is Wild.RUN or (token is Wild.RUN_IN_SEGMENT and character != "/"):
                onward.append((number, done))
            elif (
                token == character
                # A variable's value may be longer than one character.
                or (token is Wild.ONE and not is_symbol(character))
                or (token is Wild.ONE_IN_SEGMENT and character != "/")
            ):
                onward.append((number, done + 1))
        return self._with_empty_runs(onward)

    def run(self, text: str) -> States:
        states = self.start()
        for character in text:
            states = self.step(states, character)
        return states

    def accepts(self, states: States) -> bool:
        return any(done == len(self.patterns[number]) for number, done in states)

    def accepts_all_from(self, states: States) -> bool:
        """Return whether whatever follows is accepted: some pattern is at a `*` at its end."""
        return any(done == len(self.patterns[number]) - 1 and self.patterns[number][done] is Wild.RUN for number, done in states)

    def _with_empty_runs(self, states: Iterable[tuple[int, int]]) -> States:
        found = set(states)
        todo = list(found)
        while todo:
            number, done = todo.pop()
            after = (number, done + 1)
            if done < len(self.patterns[number]) and self.patterns[number][done] in (Wild.RUN, Wild.RUN_IN_SEGMENT) and after not in found:
                found.add(after)
                todo.append(after)
        return frozenset(found)


# --- Routes as sets of paths


class RouteWords:
    """Compares resources with the requests of one catalogue's routes at one stage of an API.

    A route's requests are those that its template fits, written without empty segments and without a slash at the end, less those that a more specific route
    of the catalogue takes.
    """

    def __init__(self, catalog: RouteCatalog, api: ApiArn) -> None:
        self.catalog = catalog
        self.api = api
        self._by_verb: dict[str, list[RouteTemplate]] = {}
        for verb, route in catalog.cells:
            self._by_verb.setdefault(verb, []).append(route)
        self._rivals: dict[Cell, tuple[Tokens, ...]] = {}

    def matched(self, patterns: Sequence[Tokens], cell: Cell, bound: Mapping[str, str] | None = None) -> str | None:
        """Return the path of a request of the route that some pattern matches: `*/GET/pets/7` and `GET /pets/{petId}` -> `pets/7`. None if there is none."""
        return self._find(patterns, cell, bound or {}, wanted=True)

    def unmatched(self, patterns: Sequence[Tokens], cell: Cell, bound: Mapping[str, str] | None = None) -> str | None:
        """Return the path of a request of the route that no pattern matches, None if they match every one.

        `bound` are parameters that have a variable's value, by its character; such a value is no word of a sibling route.
        """
        return self._find(patterns, cell, bound or {}, wanted=False)

    def _find(self, patterns: Sequence[Tokens], cell: Cell, bound: Mapping[str, str], *, wanted: bool) -> str | None:
        verb, route = cell
        machine = _Machine(tuple(patterns))
        states = machine.run(f"{self.api.stage}/" if verb == WEBSOCKET else f"{self.api.stage}/{verb}/")
        if machine.accepts_all_from(states) and not wanted:
            return None
        beginning = states
        for character in "/".join(s.text for s in takewhile(lambda s: s.kind is SegmentKind.LITERAL, route.segments)):
            beginning = machine.step(beginning, character)
        if wanted and not beginning:
            return None
        return self._search(_Machine((_tokens(route.segments, bound),)), machine, states, cell, wanted=wanted)

    def _search(self, own: _Machine, machine: _Machine, states: States, cell: Cell, *, wanted: bool) -> str | None:
        """Return the shortest path of the route's that the patterns match, or with `wanted` false do not match."""
        rivals = _Machine(self._rivals_of(cell))
        alphabet = _alphabet((*own.patterns, *machine.patterns, *rivals.patterns))
        start = (own.start(), rivals.start(), states, True)
        own_step, rivals_step, machine_step = (_remembered(each.step) for each in (own, rivals, machine))
        seen, todo = {start}, deque([(start, "")])
        while todo:
            (at, beside, matching, after_slash), path = todo.popleft()
            is_whole = own.accepts(at) and not rivals.accepts(beside) and (not after_slash or not path)
            if is_whole and machine.accepts(matching) is wanted:
                return path
            if wanted and not matching:
                continue
            for character in alphabet:
                if character == "/" and after_slash:
                    continue
                onward = own_step(at, character)
                if onward:
                    state = (onward, rivals_step(beside, character), machine_step(matching, character), character == "/")
                    if state not in seen:
                        seen.add(state)
                        todo.append((state, path + character))
        return None

    def _rivals_of(self, cell: Cell) -> tuple[Tokens, ...]:
        """Return the routes that take requests which this route's template fits too. Where kinds of APIs choose differently, this route counts."""
        known = self._rivals.get(cell)
        if known is None:
            verb, route = cell
            own = [s.kind for s in route.segments]
            known = self._rivals[cell] = tuple(
                _tokens(other.segments, {})
                for other in (self._by_verb[verb] if route.parameters and verb != WEBSOCKET else ())
                if [s.kind for s in other.segments] < own and (route.is_greedy or not other.is_greedy) and _may_meet(other, route)
            )
        return known


def _remembered(step: Callable[[States, str], States]) -> Callable[[States, str], States]:
    """Return the same function with what it returned before at hand."""
    known: dict[tuple[States, str], States] = {}

    def remembering(states: States, character: str) -> States:
        key = states, character
        onward = known.get(key)
        if onward is None:
            onward = known[key] = step(states, character)
        return onward

    return remembering


def _may_meet(one: RouteTemplate, other: RouteTemplate) -> bool:
    if not (one.is_greedy or other.is_greedy) and len(one.segments) != len(other.segments):
        return False
    for mine, theirs in zip(one.segments, other.segments, strict=False):
        if SegmentKind.GREEDY in (mine.kind, theirs.kind):
            return True
        if mine.kind is theirs.kind is SegmentKind.LITERAL and mine.text != theirs.text:
            return False
    return True


def _tokens(segments: Sequence[Segment], bound: Mapping[str, str]) -> Tokens:
    parts: list[Tokens] = []
    for segment in segments:
        if segment.kind is SegmentKind.LITERAL:
            parts.append(tuple(segment.text))
        elif segment.text in bound:
            parts.append((bound[segment.text],))
        elif segment.kind is SegmentKind.PARAMETER:
            parts.append((Wild.ONE_IN_SEGMENT, Wild.RUN_IN_SEGMENT))
        else:
            parts.append((Wild.ONE, Wild.RUN))
    return tuple(token for number, part in enumerate(parts) for token in (("/", *part) if number else part))


def _alphabet(patterns: Iterable[Tokens]) -> list[str]:
    """Return the characters that patterns tell apart, and one that stands for all the others, which comes first so that examples read well."""
    named = {token for pattern in patterns for token in pattern if isinstance(token, str)} | {"/"}
    filler = next((c for c in _FILLERS if c not in named), "\uf8ff")
    return [filler, *sorted(named)]

"""Random callers of random APIs, and what they may do there by the oracle's reading: what policies for whole callers are judged by.

Nothing here comes from the product.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from typing import Any

from tests.support.automaton import MeantRoute
from tests.support.gateway_model import RoutedRequest
from tests.support.random_apis import OWNER, START, VERBS, Oracle, random_document

MAX_DEPTH = 6
LONG = "x" * 300
PLAIN_VALUES = (
    "7",
    OWNER,
    "bob-2",
    "x.y~z",
    "10:30",
    "%C3%A9",
    "a%20b",
    LONG,
    "b+c@x",
    "b%2Bc%40x",
    "b%2bc%40x",
    "auth0|7",
    "auth0%7C7",
    "auth0%7c7",
)
HOSTILE_VALUES = (
    *("b%2Fa", "%2F", "a%2fb%2Fc", "%61lice-1", "%61", "a%252Fb", "..", ".", "%2e%2e", "*", "%2A", "%3F", "x*", "%3F*", "${x}", "%24%7B"),
    *("b+c%40x", "%62+c@x", "b%252Bc%2540x", "b c@x", "auth0%257C7", "b+c@x;y", "B+c@x"),
    *("b\\a", "é", "%C3%28", "%", "%zz", "%00", "%E2%80%AE", "a%2F" * 40, "x" * 1500),
)
WORDS = ("a", "b", "ab", "me", "v1:x", "s", "a.b")
CLAIM_VALUES = (OWNER, OWNER, "bob-2", "7", "me", "a", "b+c@x", "auth0|7", "a/b", "a*", "..", "é", "")
# Section 5 of the design: printable ASCII without white space, and without what IAM, a router or a quotation reads as more than itself.
_CLAIM_CHARACTERS = {chr(code) for code in range(0x21, 0x7F)} - {*'*?${}/\\%"`'}
# RFC 3986: what no encoder touches (2.3), and what it need not touch in a segment (3.3). ECMAScript's `encodeURIComponent` leaves `!'()` of these.
_UNRESERVED = {*"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"}
_LEFT_BY_ENCODERS = (_CLAIM_CHARACTERS, _UNRESERVED | {*"!&'()+,;=:@"}, _UNRESERVED | {*"!'()"}, _UNRESERVED)


@dataclass(frozen=True, slots=True)
class Case:
    """One caller of one API at one moment."""

    document: dict[str, Any]
    groups: list[str]
    claims: dict[str, str]
    now: float
    token_expiry: int | None
    stage: str

    @property
    def routes(self) -> list[str]:
        """The catalogue."""
        routes: list[str] = self.document["routes"]
        return routes


def random_case(random: Random) -> Case:
    """Mostly small APIs; now and then one whose listing is too long for a policy."""
    is_long = random.random() < 0.1
    routes = random_catalogue(random, is_long=is_long)
    document = random_document(random, routes)
    _widen(random, document)
    if is_long and random.random() < 0.8:
        document["everyone"]["allow"].append("* /**")
        document["everyone"]["deny"] += random.sample(routes, random.randint(0, 2))
    values = (*CLAIM_VALUES, *random.sample(words_of(routes), 1) * 4)
    claims = {name: random.choice(values) for name in ("sub", "username") if random.random() < 0.9}
    groups = random.choice((["g1"], ["g2"], ["g1", "g2"], ["g2", "unknown"], []))
    now = START + random.choice((0.0, 0.5, 40.0))
    expiry = START + 90 if random.random() < 0.2 else None
    return Case(document, groups, claims, now, expiry, "s" * random.randint(90, 128) if is_long else "prod")


def random_catalogue(random: Random, *, is_long: bool = False) -> list[str]:
    """Routes that grow out of each other, as deep as `MAX_DEPTH`, with parameters of one name at one place."""
    words = random.sample(WORDS, 4 if is_long else random.randint(2, 4))
    parameters = 0.1 if is_long else 0.45
    if is_long:
        words = [word + "-long-word" * random.randint(0, 1) for word in words]
    paths: list[tuple[str, ...]] = [()]
    for _ in range(random.randint(8, 14) if is_long else random.randint(2, 8)):
        stem = random.choice(paths)
        parts = [*stem[: random.randint(0, len(stem))]]
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            parts.append(f"{{p{len(parts)}}}" if random.random() < parameters else random.choice(words))
        parts = parts[: 4 if is_long else MAX_DEPTH]
        if random.random() < 0.12:
            parts[-1] = "{rest+}"
        if not any(part == "{rest+}" for part in parts[:-1]):
            paths.append(tuple(parts))
    if random.random() < 0.8 and len(set(paths)) > 1:
        paths = [path for path in paths if path]
    methods = ("ANY", "ANY", "GET") if is_long else ("GET", "GET", "GET", "POST", "DELETE", "ANY")
    return sorted({f"{random.choice(methods)} /{'/'.join(path)}" for path in sorted(set(paths)) for _ in range(random.choice((1, 1, 2)))})


def _widen(random: Random, document: dict[str, Any]) -> None:
    """Grants of whole subtrees, and bindings of two parameters, which the generator of documents has too few of."""
    for entries in (document["everyone"]["allow"], document["groups"]["g1"]["allow"]):
        if random.random() < 0.3:
            method, path = random.choice(document["routes"]).split(" ")
            parts = [part for part in path.split("/") if part and part != "{rest+}"]
            stem = "".join(f"/{part}" for part in parts[: random.choice((0, 0, 1, 2))])
            entries.append(f"{random.choice(('*', '*', method))} {stem}/**")
    with_parameters = [route for route in document["routes"] if "{" in route]
    if with_parameters and random.random() < 0.2:
        route = random.choice(with_parameters)
        document["everyone"]["allow"].append({"route": route, "where": {random.choice(parameter_names(route)): "sub"}})
    for entry in [*document["groups"]["g1"]["allow"], *document["groups"]["g2"]["allow"]]:
        names = parameter_names(entry["route"]) if isinstance(entry, dict) and "where" in entry else []
        if len(names) > 1 and random.random() < 0.3:
            entry["where"][random.choice(names)] = random.choice(("sub", "username"))


def words_of(routes: list[str]) -> list[str]:
    """All literals of a catalogue, and always some."""
    return sorted({part for route in routes for part in route.split(" ")[1].split("/") if part and not part.startswith("{")} | {"a"})


def parameter_names(route: str) -> list[str]:
    """The parameters of a template, from left to right."""
    return re.findall(r"\{(\w+)\+?\}", route)


def _writers() -> Iterator[Callable[[str], str]]:
    """Each way of clients to write a value."""
    for left, escape in product(_LEFT_BY_ENCODERS, ("%{:02X}", "%{:02x}")):
        yield lambda value, left=left, escape=escape: "".join(c if c in left else escape.format(ord(c)) for c in value)  # type: ignore[misc]


_WRITERS = tuple(_writers())


@dataclass(slots=True)
class Meaning:
    """What one caller may do, by the oracle. A claim that could act as a pattern is as good as none."""

    case: Case
    claims: dict[str, str] = field(init=False)
    _oracle: Oracle = field(init=False)
    _known: dict[Any, bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._oracle = Oracle(self.case.document)
        self.claims = {
            name: value
            for name, value in self.case.claims.items()
            if {*value} <= _CLAIM_CHARACTERS and 1 <= len(value) <= 128 and value not in (".", "..")
        }

    def allows(self, verb: str, routed: RoutedRequest) -> bool:
        """Whether a request that was routed so may pass."""
        values = self.claims.values()
        # To the oracle all values that no claim has are alike.
        parameters = tuple((name, value if value in values or "%" in value else "\0") for name, value in routed.parameters.items())
        return self._allows(f"{routed.method_template} {routed.template}", verb, parameters)

    def _allows(self, route: str, verb: str, parameters: tuple[tuple[str, str], ...]) -> bool:
        key = route, verb, parameters
        if key not in self._known:
            case = self.case
            self._known[key] = self._oracle.allows(case.groups, self.claims, route, verb, dict(parameters), case.now)
        return self._known[key]

    def routes(self, *, spelled: bool = False) -> list[MeantRoute]:
        """The same for every request at once: the oracle is asked with claims and with another value in each place. With `spelled` the values stand in each
        spelling of a client's."""
        return [
            MeantRoute(
                method, template, {verb: meant for verb in VERBS if (meant := self._templates(f"{method} {template}", verb, spelled))}
            )
            for method, template in (route.split(" ") for route in self.case.routes)
        ]

    def _templates(self, route: str, verb: str, spelled: bool) -> list[str]:
        template, found = route.split(" ")[1], list(self._meant(route, verb))
        writers = (lambda value: value, *_WRITERS) if spelled else (lambda value: value,)
        written = (
            re.sub(r"\{(\w+)\+?\}", lambda name: writer(chosen[name[1]]) if name[1] in chosen else name[0], template)  # noqa: B023 - used at once
            for chosen in found
            for writer in writers
        )
        return [*dict.fromkeys(written)]

    def _meant(self, route: str, verb: str) -> Iterator[dict[str, str]]:
        others = dict.fromkeys(parameter_names(route), "\0")
        found: list[set[tuple[str, str]]] = []
        bound = [name for name in others if name in self._bound_names()]
        # No entry binds more than two parameters.
        for size in range(3):
            for names in combinations(bound, size):
                for values in product(sorted({*self.claims.values()}), repeat=size):
                    chosen = dict(zip(names, values, strict=True))
                    if any(less <= chosen.items() for less in found):
                        continue
                    if self._allows(route, verb, tuple((others | chosen).items())):
                        found.append(set(chosen.items()))
                        yield chosen

    def _bound_names(self) -> set[str]:
        document = self.case.document
        entries = [entry for subject in (document["everyone"], *document["groups"].values()) for entry in subject["allow"]]
        return {name for entry in entries if isinstance(entry, dict) for name in entry.get("where", ())}


def random_requests(random: Random, routes: list[str], count: int) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """Verbs, a path as sent, and whether that is how a well-meaning client writes it."""
    words = words_of(routes)
    plain = (*PLAIN_VALUES, *words)
    hostile = (*HOSTILE_VALUES, *words, *plain)
    pairs = [tuple(route.split(" ")) for route in routes]
    verbs = sorted({method for method, _ in pairs if method != "ANY"}) or ["GET"]
    for _ in range(count):
        method, template = random.choice(pairs)
        verb = random.choice(VERBS) if method == "ANY" else method
        is_plain = random.random() < 0.5
        values = plain if is_plain else hostile
        parts = []
        for part in template[1:].split("/") if template != "/" else []:
            if part.endswith("+}"):
                parts += [random.choice(values) for _ in range(random.randint(1, 4))]
            else:
                parts.append(random.choice(values) if part.startswith("{") else part)
        if random.random() < 0.2:
            parts = _moved(random, parts, words)
        path = "/" + "/".join(parts)
        if not is_plain or random.random() < 0.2:
            spelled = _spelled(random, path)
            path, is_plain = spelled, is_plain and spelled == path
        yield tuple({verb: 1, random.choice(verbs): 1, random.choice(VERBS): 1}), path, is_plain


def _moved(random: Random, parts: list[str], words: list[str]) -> list[str]:
    """One segment more, less or other."""
    at = random.randint(0, len(parts))
    return [*parts[:at], *random.choice(([], [random.choice(words)], [random.choice(words), "7"])), *parts[at + random.randint(0, 1) :]]


def _spelled(random: Random, path: str) -> str:
    """The path with one to three oddities."""
    for _ in range(random.choice((1, 1, 2, 3))):
        path = random.choice(_ODDITIES)(random, path)
    return path


def _at_end(random: Random, path: str) -> str:
    return path + random.choice(("/", "/", "//", "%2F", "%2f", "/%2F", "%252F", "/.", "/.."))


def _at_start(random: Random, path: str) -> str:
    return random.choice(("/", "/%2F", "/.", "/a/..")) + path


def _other_slash(random: Random, path: str) -> str:
    at = random.choice([at for at, c in enumerate(path) if c == "/"])
    slashes = ("//", "%2F", "%2f", "%252F", "/./", "/%2F/", "\\") if at else ("//", "/%2F", "/%2f")
    return path[:at] + random.choice(slashes) + path[at + 1 :]


def _escaped_letter(random: Random, path: str) -> str:
    at = random.randrange(len(path))
    escape = "%" + random.choice(("{:02x}", "{:02X}", "25{:02X}")).format(ord(path[at]))
    return path if path[at] in "/%" or not path[at].isascii() else path[:at] + escape + path[at + 1 :]


_ODDITIES = (_at_end, _at_end, _at_start, _other_slash, _other_slash, _escaped_letter, _escaped_letter)

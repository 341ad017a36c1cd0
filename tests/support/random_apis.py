"""Random small APIs: documents as plain values, requests in canonical and odd spellings, and an oracle that reads the document by its own rules.

The oracle shares no code with the product: it is written from the description of the permission document alone.
"""

from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import unquote

VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
WORDS = ("a", "b", "me", "pets", "v1:x")
OWNER = "alice-1"
START = 1_000_000_000
"""Where clocks of the tests start: 2001-09-09T01:46:40Z."""
MOMENTS = {"2001-09-09T01:46:30Z": START - 10, "2001-09-09T01:47:10Z": START + 30}
"""What `until` is written with, and the seconds that it means."""
HOSTILE = ("a", "me", "b%2Fa", "%61lice-1", "a%252Fb", "..", "%2e%2e", "*", "?", "x*", "${x}", "%24%7B", "b\\a", "é", "%C3%28", "x" * 500)
SAFE = ("7", OWNER, "bob-2", "x.y~z", "10:30")


def random_document(random: Random, routes: list[str] | None = None) -> dict[str, Any]:
    """A document that means something: every selector is made from a route of the catalogue, a new one or the one that is given."""
    routes = random_routes(random) if routes is None else routes
    groups: dict[str, Any] = {name: _random_subject(random, routes) for name in ("g1", "g2")}
    if random.random() < 0.4:
        groups["g2"]["inherits"] = ["g1"]
    return {"api": "x", "routes": routes, "everyone": _random_subject(random, routes, most=1), "groups": groups}


def random_routes(random: Random) -> list[str]:
    """Routes that a REST API may have side by side: parameters of one name at one place, nothing twice."""
    paths: set[tuple[str, ...]] = set()
    for _ in range(random.randint(2, 7)):
        depth = random.randint(0, 4)
        parts = [random.choice((*WORDS, f"{{p{level}}}", f"{{p{level}}}")) for level in range(depth)]
        if random.random() < 0.2:
            parts.append("{rest+}")
        paths.add(tuple(parts))
    return sorted(
        {f"{random.choice(('GET', 'GET', 'POST', 'DELETE', 'ANY'))} /{'/'.join(path)}" for path in sorted(paths) for _ in range(2)}
    )


def _random_subject(random: Random, routes: list[str], most: int = 4) -> dict[str, Any]:
    allow = [_random_entry(random, routes, bind=True) for _ in range(random.randint(0, most))]
    deny = [_random_entry(random, routes, bind=False) for _ in range(random.choice((0, 0, 0, 1)))]
    return {"allow": allow, "deny": deny}


def _random_entry(random: Random, routes: list[str], *, bind: bool) -> Any:
    method, path = random.choice(routes).split(" ", 1)
    parts = path[1:].split("/") if path != "/" else []
    names = [part.strip("{+}") for part in parts if part.startswith("{")]
    where = {random.choice(names): random.choice(("sub", "username"))} if bind and names and random.random() < 0.5 else None
    if where is None:
        shortened = random.random()
        if shortened < 0.2:
            parts = [*parts[: random.randint(0, len(parts))], "**"]
        elif shortened < 0.4 and parts and parts[-1] != "{rest+}":
            parts[random.randrange(len(parts))] = "*"
    method = random.choice((method, method, "*", "ANY"))
    entry: dict[str, Any] = {"route": f"{method} /{'/'.join(parts)}"}
    if bind and random.random() < 0.3:
        entry |= _random_exception(random, routes, entry["route"])
    if where:
        entry["where"] = where
    if random.random() < 0.2:
        entry["until"] = random.choice(sorted(MOMENTS))
    return entry if len(entry) > 1 else entry["route"]


def _random_exception(random: Random, routes: list[str], selector: str) -> dict[str, list[str]]:
    """An `except` that takes something out of a selector and leaves something, if one is found."""
    meant = _cells(selector, routes)
    method, path = random.choice(meant) if meant else ("GET", "/")
    parts = [part for part in path.split("/") if part]
    shortened = "/".join(["", *parts[: random.randint(0, len(parts))], "**"])
    text = f"{random.choice((method, '*'))} {random.choice((path, shortened))}"
    left = len(set(meant) - set(_cells(text, routes)))
    return {"except": [text]} if 0 < left < len(meant) else {}


def _cells(selector: str, routes: list[str]) -> list[tuple[str, str]]:
    """The verbs and paths of a catalogue that a selector means."""
    method, path = selector.split(" ", 1)
    return [
        (verb, template)
        for served, template in (route.split(" ", 1) for route in routes)
        for verb in (VERBS if served == "ANY" else (served,))
        if method in ("*", "ANY", verb) and _selects([p for p in path.split("/") if p], [p for p in template.split("/") if p])
    ]


@dataclass(frozen=True, slots=True)
class Oracle:
    """Who may call what, by a slow and literal reading of one document."""

    document: dict[str, Any]

    def allows(self, groups: list[str], claims: dict[str, str], route: str, verb: str, parameters: dict[str, str], now: float) -> bool:
        """Whether a request with this verb, served by this route of the catalogue, may pass. A binding is met by the value as it is once decoded."""
        entries = [("allow", e) for e in self._held("everyone", "allow")] + [("deny", e) for e in self._held("everyone", "deny")]
        todo, seen = list(groups), set()
        while todo:
            name = todo.pop()
            if name in seen or name not in self.document["groups"]:
                continue
            seen.add(name)
            group = self.document["groups"][name]
            todo += group.get("inherits", [])
            entries += [(effect, entry) for effect in ("allow", "deny") for entry in group[effect]]
        matching = [(effect, entry) for effect, entry in entries if self._matches(entry, route, verb, now)]
        if any(effect == "deny" for effect, _ in matching):
            return False
        return any(self._met(entry, claims, parameters, route) for _, entry in matching)

    def _held(self, subject: str, effect: str) -> list[Any]:
        held: list[Any] = self.document[subject][effect]
        return held

    def _matches(self, entry: Any, route: str, verb: str, now: float) -> bool:
        fields = entry if isinstance(entry, dict) else {"route": entry}
        if "until" in fields and now >= MOMENTS[fields["until"]]:
            return False
        if any(self._matches(excepted, route, verb, now) for excepted in fields.get("except", ())):
            return False
        method, selector = fields["route"].split(" ", 1)
        if verb not in VERBS or (method not in ("*", "ANY") and method != verb):
            return False
        return _selects([p for p in selector.split("/") if p], [p for p in route.split(" ", 1)[1].split("/") if p])

    def _met(self, entry: Any, claims: dict[str, str], parameters: dict[str, str], route: str) -> bool:
        where = entry.get("where", {}) if isinstance(entry, dict) else {}
        return all(
            name in parameters and unquote(parameters[name]) == claims.get(claim) and claims[claim] not in self._siblings(route, name)
            for name, claim in where.items()
        )

    def _siblings(self, route: str, name: str) -> set[str]:
        parts = route.split(" ", 1)[1].split("/")
        place = next(i for i, part in enumerate(parts) if part.strip("{+}") == name and part.startswith("{"))
        words = set()
        for other in self.document["routes"]:
            others = other.split(" ", 1)[1].split("/")
            fits = all(a == b or a.startswith("{") or b.startswith("{") for a, b in zip(parts[:place], others[:place], strict=False))
            if len(others) > place and fits and not others[place].startswith("{"):
                words.add(others[place])
        return words


def _selects(selector: list[str], route: list[str]) -> bool:
    if not selector:
        return not route
    if selector[0] == "**":
        return True
    if not route or (selector[0] != route[0] and (selector[0] != "*" or route[0].endswith("+}"))):
        return False
    return _selects(selector[1:], route[1:])


def random_request(random: Random, routes: list[str]) -> tuple[str, str, bool]:
    """Verb, path as sent, and whether the spelling is canonical: what a well-meaning client would send."""
    method, path = random.choice(routes).split(" ", 1)
    verb = random.choice(VERBS) if method == "ANY" or random.random() < 0.1 else method
    hostile = random.random() < 0.4
    canonical, parts = True, []
    for part in [p for p in path.split("/") if p]:
        values = HOSTILE if hostile else SAFE
        value = part if not part.startswith("{") else random.choice(values)
        if part.endswith("+}"):
            value = "/".join(random.choice(values) for _ in range(random.randint(1, 3)))
        canonical = canonical and not (part.startswith("{") and hostile)
        parts.append(value)
    text = "/" + "/".join(parts)
    if random.random() < 0.3:
        spelling = random.choice(
            (lambda t: t + "/", lambda t: t + "//", lambda t: "/" + t, _double_slash, _encode_one, _encode_slash, _dots)
        )
        text, canonical = spelling(text), False
    return verb, text.replace("?", "%3F"), canonical


def _double_slash(text: str) -> str:
    return text[0] + text[1:].replace("/", "//", 1)


def _encode_one(text: str) -> str:
    return text[:1] + "".join(f"%{ord(c):02X}" if i == 0 and c.isascii() else c for i, c in enumerate(text[1:]))


def _encode_slash(text: str) -> str:
    return text[0] + text[1:].replace("/", "%2F", 1)


def _dots(text: str) -> str:
    return text[0] + "a/../" + text[1:]

"""Random mutants of authorizer events, and who judges what is answered: nobody is let through who would not be, and every other end is an error of ours.

An event comes from API Gateway, so that a mutant of its ARN or its route is a request like any other. What may be answered is told by an oracle of its own:
by the token that stands in the event, and by what the ARN's path, or the route that the gateway names, may mean in one small API.
"""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, cast

from authorizer import events
from authorizer.answering import AnswerOptions
from authorizer.authorize import Authorizer
from authorizer.errors import GatebookError, TokenError, TroubleError
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace, TokenPlaces
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.document import parse_document
from authorizer.policy.permission import PrincipalRef
from authorizer.policy.permission_index import CallerPermissions
from authorizer.table.cache import LoadedPermissions, PermissionCache
from tests.support.events import Event
from tests.support.gateway_model import Router
from tests.support.http_gateway_model import HttpRouter, Reading
from tests.support.iam_evaluator import UnsupportedPolicyError, evaluate
from tests.support.issuer import NOW, Issuer
from tests.support.random_apis import Oracle
from tests.support.token_mutants import AUDIENCE, STRICT, TEXT_MUTATIONS, good_tokens

US = Issuer()
ROUTES = [
    *("GET /", "GET /orders", "GET /orders/{orderId}", "GET /orders/open", "DELETE /orders/{orderId}", "GET /orders/{orderId}/lines"),
    *("GET /items/{time}/{name}", "GET /menu/{dish}/{drink}", "GET /files/{name}", "ANY /files/{proxy+}", "POST /orders"),
    *("GET /owners/{ownerId}/pets", "GET /secrets/{secretId}", "PUT /secrets/{secretId}", "GET /{all+}"),
]
KEYS = ["$connect", "say", "shout"]
DOCUMENT: dict[str, Any] = {
    "api": "x",
    "routes": ROUTES + [f"WS {key}" for key in KEYS],
    "everyone": {"allow": [], "deny": []},
    "groups": {
        "guest": {
            "allow": [
                *("GET /", "GET /orders", "GET /orders/{orderId}", "GET /orders/{orderId}/lines", "GET /files/{name}", "GET /menu/*/*"),
                {"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}},
                *("WS $connect", "WS say"),
            ],
            "deny": ["GET /orders/open", "GET /orders/{orderId}/lines"],
        },
        "admin": {"allow": ["* /**", "WS *"], "deny": ["PUT /secrets/{secretId}"]},
    },
}
HTTP_DOCUMENT = DOCUMENT | {"routes": ROUTES}
CALLERS: dict[str, list[str]] = {"nobody": [], "guest": ["guest"], "admin": ["admin", "guest"]}
PROBES = (
    *(("GET", "/"), ("GET", "/orders"), ("GET", "/orders/7"), ("GET", "/orders/open"), ("DELETE", "/orders/7"), ("POST", "/orders")),
    *(("GET", "/owners/guest/pets"), ("GET", "/owners/other/pets"), ("GET", "/secrets/1"), ("PUT", "/secrets/1"), ("GET", "/files/a/b")),
)
"""Requests that no answer to another one may let through, unless the caller may make them. Each answer is asked for some of them."""

OPTIONS = [
    AnswerOptions(scope, token_scope_guards=guards, simple_responses=simple, nothing_cached=nothing_cached, username=username)
    for scope in CacheScope
    for guards, simple, nothing_cached, username in (
        *((False, False, False, False), (True, False, True, True)),
        *((False, True, False, False), (False, True, True, False)),
    )
    if not simple or scope is CacheScope.REQUEST
]

PLACES: Sequence[TokenPlaces] = (
    AUTHORIZATION_HEADER,
    (*AUTHORIZATION_HEADER, TokenPlace(PlaceKind.COOKIE, "session"), TokenPlace(PlaceKind.QUERY, "access_token")),
)


@lru_cache
def tokens() -> dict[str, str]:
    """A good token of each caller, whose `sub` is its name."""
    return {name: US.access_token(*groups, sub=name, aud=[AUDIENCE]) for name, groups in CALLERS.items()}


@lru_cache
def captured() -> tuple[str, ...]:
    """The events of each format and oddity, as JSON texts."""
    files = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
    return tuple(json.dumps(json.loads(file.read_text("utf-8"))["event"]) for file in files)


# -- mutations ------------------------------------------------------------------------------------------------------------------------------------------

WORDS = (
    *(
        "",
        "*",
        "?",
        "/",
        "//",
        "%2F",
        "%252F",
        "..",
        "/../",
        "%2e%2e",
        ":",
        "${aws:userid}",
        "\\",
        "\x00",
        "\ud800",
        "é",
        "a" * 600,
        "?a=b",
        "#",
    ),
    *(
        "GET",
        "PUT",
        "ANY",
        "TRACE",
        "get",
        "orders",
        "orders/open",
        "secrets/1",
        "$connect",
        "$default",
        "prod",
        "arn:aws:execute-api:::",
        ",",
    ),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**70, 1.5, "", [], {}, [[]], [None], ["x"], [{}], {"a": None}, {"": ""}, "1.0", "2.0", "TOKEN", "REQUEST"),
    *("CONNECT", "MESSAGE", "*", "GET /secrets/{secretId}", "/secrets/{secretId}", "/{all+}", "/{proxy+}", "$default", "/orders/{orderId}"),
    *("Bearer", "Bearer ", "bearer x", "Bearer a, Bearer b", "x" * 20_000),
)
FIELDS = (
    *(
        "version",
        "type",
        "methodArn",
        "routeArn",
        "authorizationToken",
        "identitySource",
        "routeKey",
        "rawPath",
        "path",
        "resource",
        "headers",
    ),
    *(
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "resourcePath",
        "resourceId",
        "http",
    ),
    *(
        "eventType",
        "cookies",
        "Authorization",
        "authorization",
        "AUTHORIZATION",
        "access_token",
        "domainName",
        "stage",
        "Sec-WebSocket-Protocol",
    ),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every map or list in the event with each of its keys or numbers."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(members):
        yield value, key
        yield from _places(inner)


def _mutated_text(chance: Random, text: str) -> str:
    """The text with a word put in, often where a segment begins, or a piece of it gone, doubled, or of another case."""
    ends = [0, len(text), *(match.end() for match in re.finditer("[/:, ]", text))]
    at = chance.choice((chance.choice(ends), chance.randrange(len(text) + 1)))
    to = chance.choice((at, at, chance.choice(ends)))
    match chance.randrange(5):
        case 0 | 1 | 2:
            return text[:at] + chance.choice(WORDS) + text[max(at, to) :]
        case 3:
            return text[:at] + text[at:to] * 2 + text[max(at, to) :]
        case _:
            return text[:at] + text[at:].swapcase()


def _changed_value(chance: Random, value: Any) -> Any:
    near: list[Callable[[], Any]] = [lambda: chance.choice(VALUES), lambda: [value], lambda: {"a": value}]
    if isinstance(value, str):
        near += [lambda: _mutated_text(chance, value)] * 6
    if isinstance(value, list):
        near += [lambda: value * 2, lambda: [*value, chance.choice(VALUES)], lambda: ",".join(map(str, value))]
    return chance.choice(near)()


def _mutate(chance: Random, event: Event, other: Event) -> None:
    """One change, anywhere: a member goes, comes, is renamed, changes its value or takes another's. `other` is an event of any other format."""
    container, key = chance.choice(list(_places(event)) or [(event, None)])
    match chance.randrange(9):
        case 0:
            container.pop(key, None) if isinstance(container, dict) else container.pop(key)
        case 1 if isinstance(container, dict):
            container[chance.choice(FIELDS)] = container.pop(key, None)
        case 2 if isinstance(container, dict):
            container[chance.choice(FIELDS)] = copy.deepcopy(container.get(key))
        case 3:
            event[chance.choice(FIELDS)] = chance.choice(VALUES)
        case 4:
            name = chance.choice(list(other))
            event[name] = other[name]
        case 5:
            source, at = chance.choice(list(_places(other)))
            if key is not None:
                container[key] = copy.deepcopy(source[at])
        case _:
            if key is not None:
                container[key] = _changed_value(chance, container[key])


def mutant(chance: Random) -> tuple[Event, str]:
    """A mutated event, and the token that was put into it before: a good one, mostly."""
    text = chance.choice(list(tokens().values()))
    if chance.random() < 0.2:
        text = chance.choice(TEXT_MUTATIONS)(chance, text)
        # A token made of parts of another good one is good.
        text = "" if text in good_tokens() else text
    event, other = (json.loads(chance.choice(captured()).replace("not.a.token", json.dumps(text)[1:-1])) for _ in range(2))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        _mutate(chance, event, other)
    return event, text


# -- the judgement --------------------------------------------------------------------------------------------------------------------------------------


class _Published:
    """Serves the document to the authorizer."""

    document = parse_document(DOCUMENT)

    def load(self, refs: tuple[PrincipalRef, ...], _consent: tuple[PrincipalRef, ...] = ()) -> LoadedPermissions:
        permissions = CallerPermissions.of(permission for ref in refs for permission in self.document.permissions(ref))
        return LoadedPermissions(1, "1", self.document.catalog, permissions, cached=True, stale=False)


AUTHORIZERS = [Authorizer(STRICT, cast(PermissionCache, _Published()), options, now=lambda: NOW) for options in OPTIONS]
ORACLE = Oracle(HTTP_DOCUMENT)
REST_ROUTER = Router(ROUTES, backtracks=True)
HTTP_ROUTER = HttpRouter(ROUTES, Reading(collapses=False, truncates=False, trailing_slash=True))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


class _Request:
    """What an event may be a request for."""

    def __init__(self, event: Event) -> None:
        arn = event.get("routeArn", event.get("methodArn"))
        self.arn = arn if isinstance(arn, str) else ""
        found = re.fullmatch(r"(arn:[^:]*:execute-api:[^:]*:[^:]*:[^/]*/[^/]*)/(?:(\$connect)|([^/]*)/(.*)|([^/]*))", self.arn, re.DOTALL)
        prefix, connects, verb, path, root = found.groups() if found else ("", None, None, None, None)
        self.prefix, self.connects, self.verb, self.path = prefix, connects is not None, verb or root or "", f"/{path or ''}"
        texts = set(_texts(event))
        self.told = [route for route in ROUTES for told in (route, route.partition(" ")[2]) if told in texts]

    def may(self, caller: str, verb: str, path: str) -> bool:
        """Whether the caller may call a route that this path leads to, or one that the gateway names and the path fits."""
        held: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        plain = path.replace("?", "%3F")
        if found := REST_ROUTER.route(verb, plain):
            held.add((f"{found.method_template} {found.template}", tuple(found.parameters.items())))
        for router in (HTTP_ROUTER, *(HttpRouter([route], HTTP_ROUTER.reading) for route in self.told)):
            if routed := router.route(verb, plain):
                held.add((routed.route_key, tuple(routed.parameters.items())))
        claims = {"sub": caller, "username": "jane"}
        return any(ORACLE.allows(CALLERS[caller], claims, route, verb, dict(parameters), NOW) for route, parameters in held)


def _answered(authorizer: Authorizer, event: Event, places: TokenPlaces) -> tuple[str, dict[str, Any]] | GatebookError:
    """The format and the answer, or the error that is documented. Any other exception is a failure of the test."""
    try:
        request = events.read_request(event, places)
        return request.format, cast(dict[str, Any], events.write_response(request, authorizer.authorize(request).answer))
    except (TokenError, TroubleError) as error:
        return error


def judge(chance: Random) -> str:
    """How one mutant ends, in a word. Raises `AssertionError` if it must not end so."""
    event, text = mutant(chance)
    number = chance.randrange(len(AUTHORIZERS))
    story = f"{json.dumps(event)} by {OPTIONS[number]}"
    # What the function is given has been JSON.
    event = json.loads(json.dumps(event))
    answered = _answered(AUTHORIZERS[number], event, chance.choice(PLACES))
    if isinstance(answered, GatebookError):
        assert len(text) < 20 or text not in f"{answered} {answered!r}", story
        return answered.reason
    wire_format, response = answered
    sent = "\n".join(_texts(event))
    callers = [name for name, token in tokens().items() if token in sent]
    assert len(json.dumps(response).encode()) <= 8000, story
    assert all(isinstance(value, str) for value in response["context"].values()), story
    caller = response["context"]["sub"]
    assert caller in callers, f"an answer for {caller}: {story}"
    asked = _Request(event)
    if "isAuthorized" in response:
        assert response["isAuthorized"] is False or asked.may(caller, asked.verb, asked.path), f"let through: {story}"
        return "word, allowed" if response["isAuthorized"] else "word, denied"
    return f"policy, {_judged_policy(asked, caller, wire_format, response['policyDocument'], chance.sample(PROBES, 3), story)}"


def _judged_policy(
    asked: _Request, caller: str, wire_format: str, policy: dict[str, Any], probes: Sequence[tuple[str, str]], story: str
) -> str:
    def allows(arn: str) -> bool:
        try:
            return evaluate(policy, "execute-api:Invoke", arn) == "Allow"
        except UnsupportedPolicyError as error:
            raise AssertionError(f"{error}: {story}") from error

    assert asked.prefix, f"an answer to no ARN: {story}"
    if wire_format == "websocket":
        may = asked.connects and caller != "nobody"
        assert may or not allows(asked.arn), f"let through: {story}"
    else:
        assert asked.may(caller, asked.verb, asked.path) or not allows(asked.arn), f"let through: {story}"
    for verb, path in probes:
        if allows(f"{asked.prefix}/{verb}{path}"):
            assert asked.may(caller, verb, path), f"{verb} {path} let through: {story}"
    other = asked.prefix.replace("execute-api:", "execute-api:x", 1)
    assert not allows(f"{other}/GET/orders"), f"another API let through: {story}"
    return "allowed" if allows(asked.arn) else "denied"


def play(seed: int, number: int, counts: Counter[str]) -> None:
    """One mutant. Raises `AssertionError` with what is needed to see it again."""
    try:
        end = judge(Random(f"{seed} event {number}"))
    except Exception as error:  # a crash needs its story as much as a wrong answer
        raise AssertionError(f"{type(error).__name__}: {error}\nGATEBOOK_SEED={seed}, event {number}") from error
    counts["mutated events"] += 1
    counts[f"mutated events, {end if ',' in end else 'refused'}"] += 1

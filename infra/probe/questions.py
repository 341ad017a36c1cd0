"""The questions that the probe asks, as a table: what is called, what each outcome means, and which setting follows from it.

An outcome that no row foresees is reported as it is. For example the question `rest-time-condition` calls with a policy that ended 60 s ago: 403 means that
the gateway evaluates the condition, 200 that it does not, and anything else is shown with its status.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Api(StrEnum):
    """Where a question is asked. `one` and `two` are routes of the HTTP API whose authorizers take payload 1.0 and 2.0."""

    REST = "REST"
    HTTP = "HTTP"
    WEBSOCKET = "WebSocket"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is sent as it stands, after the stage. `order` is what the authorizer answers; `wait` is how many seconds pass before it.

    Calls with the same `token` share what the gateway remembers; each question has tokens of its own.
    """

    path: str
    order: Mapping[str, Any] = field(default_factory=dict)
    token: str = "a"  # noqa: S105  # no secret: what the gateway remembers answers by
    wait: float = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, what the backend was told by the authorizer (empty where it was not reached), and how many seconds it took."""

    status: int
    told: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an outcome means, and the settings that follow from it, such as `EXPIRY_CONDITIONS=1`."""

    means: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One row. `judge` names the outcome of the answers, which is one of `outcomes` or a surprise. `known` is what is documented or was recorded, "" if nothing
    is; `emulated` is what the local stack's emulator is known to do."""

    name: str
    asks: str
    api: Api
    calls: tuple[Call, ...]
    judge: Callable[[Sequence[Answer]], str]
    outcomes: Mapping[str, Outcome]
    known: str
    emulated: str


def _last_status(answers: Sequence[Answer]) -> str:
    return str(answers[-1].status)


def _tail(answers: Sequence[Answer]) -> str:
    """Return what stands behind the stage in the ARN that the authorizer saw: `GET/a%2Fb`, or the status where nothing came back."""
    arn = str(answers[-1].told.get("arn", ""))
    return arn.split("/", 2)[-1] if answers[-1].status == 200 and arn else f"status {answers[-1].status}"


def _route(answers: Sequence[Answer]) -> str:
    return str(answers[-1].told.get("route", "")) or f"status {answers[-1].status}"


def _is_remembered(answers: Sequence[Answer]) -> str:
    """Return whether the second answer is the first one's, told by the number that the authorizer gave it."""
    first, second = answers
    if (first.status, second.status) != (200, 200):
        return f"status {first.status}, then {second.status}"
    return "remembered" if first.told.get("number") == second.told.get("number") else "asked again"


def _repeated(answers: Sequence[Answer]) -> str:
    """Return whether a refusal came back although the authorizer would allow by now."""
    first, second = answers
    if first.status == 200:
        return "status 200, then " + str(second.status)
    return "remembered" if second.status == first.status else "asked again" if second.status == 200 else f"status {second.status}"


def _text(answers: Sequence[Answer]) -> str:
    first, second = answers
    if first.told.get("number") != second.told.get("number") or second.status != 200:
        return f"not remembered, status {second.status}"
    return "unchanged" if second.told.get("text") == JSON_TEXT else "changed"


def _seconds(answers: Sequence[Answer]) -> str:
    [answer] = answers
    if answer.status == 200:
        return "waits 35 s"
    return "29 to 31 s" if answer.seconds > 28 else "10 s" if 9 < answer.seconds < 12 else f"{answer.seconds:.0f} s"


def _largest(answers: Sequence[Answer]) -> str:
    """Return the last size of `SIZES` that was taken, in KB: `16`. Sizes stop to be taken at one point, else it is a surprise."""
    taken = [answer.status == 200 for answer in answers]
    if taken != sorted(taken, reverse=True):
        return f"statuses {', '.join(str(answer.status) for answer in answers)}"
    return str(SIZES[sum(taken) - 1]) if any(taken) else "none"


JSON_TEXT = '{"a": [1, "é"]}'
SIZES = (4, 7, 9, 15, 30, 60)
"""Sizes of a context in KB."""

_CEILINGS = {
    "none": Outcome("not even 4 KB of context are taken"),
    "4": Outcome("an answer may have about 4 KB"),
    "7": Outcome("an answer may have 8 KB, as documented for REST APIs: wide scopes stay below it"),
    "9": Outcome("an answer may have more than 8 KB, and less than 15"),
    "15": Outcome("an answer may have more than 15 KB, and less than 30"),
    "30": Outcome("an answer may have more than 30 KB, and less than 60"),
    "60": Outcome("an answer may have 60 KB and perhaps more"),
}

_ANY = {"resource": "any"}

_ESCAPED = {
    "200": Outcome("`${*}` stands for the character, so that a path with `*` can be allowed exactly"),
    "403": Outcome("`${*}` is not honoured: requests with `*` or `?` in their path are denied, which is safe"),
}
_REMEMBERED = {
    "remembered": Outcome("an answer is remembered for its token on every route: only a cache key with the route tells them apart"),
    "asked again": Outcome("each route asks anew"),
}
_REFUSED = {
    "remembered": Outcome("a refusal is remembered like any other answer: it outlives its reason by the TTL"),
    "asked again": Outcome("a refusal is not remembered"),
}
_ERROR = {
    "remembered": Outcome("an error is remembered: an outage outlives itself by the TTL, so set the TTL to 0"),
    "asked again": Outcome("an error is not remembered, as the authorizer relies on"),
}

REST_QUESTIONS = (
    Question(
        "rest-encoding",
        "Is a REST API's `methodArn` percent-encoded as the client sent it?",
        Api.REST,
        (Call("/a%2Fb%3Ac", _ANY),),
        _tail,
        {
            "GET/a%2Fb%3Ac": Outcome(
                "encoded as sent: two spellings of a path are two ARNs, so that Denies do not tell routes apart", ("TOKEN_SCOPE_GUARDS=0",)
            ),
            "GET/a/b:c": Outcome("decoded: Denies of routes catch every spelling", ("TOKEN_SCOPE_GUARDS=1",)),
        },
        known="GET/a%2Fb%3Ac",
        emulated="GET/a/b:c",
    ),
    Question(
        "rest-slashes",
        "Does it keep a slash at the end, and two in a row?",
        Api.REST,
        (Call("/a//b/", _ANY),),
        _tail,
        {
            "GET/a//b/": Outcome("kept: a path with a slash at its end is another ARN", ("TOKEN_SCOPE_GUARDS=0",)),
            "GET/a/b": Outcome("taken away: one path has one ARN"),
        },
        known="GET/a//b/",
        emulated="GET/a//b/",
    ),
    Question(
        "rest-root",
        "What is the root's ARN?",
        Api.REST,
        (Call("/", _ANY),),
        _tail,
        {"GET/": Outcome("it ends in a slash"), "GET": Outcome("it ends in the verb")},
        known="GET/",
        emulated="GET/",
    ),
    Question(
        "rest-star",
        "Does `*` in a policy cross `/`?",
        Api.REST,
        (Call("/a/b/c", {"resource": "GET/a/*"}),),
        _last_status,
        {"200": Outcome("it does, as IAM documents"), "403": Outcome("it does not")},
        known="200",
        emulated="200",
    ),
    Question(
        "rest-escape",
        "Is `${*}` honoured in an authorizer's policy?",
        Api.REST,
        (Call("/a*b", {"resource": "escaped"}),),
        _last_status,
        _ESCAPED,
        known="",
        emulated="403",
    ),
    Question(
        "rest-time-condition",
        "Is a condition on `aws:EpochTime` evaluated?",
        Api.REST,
        (Call("/t", {"until": -60}),),
        _last_status,
        {
            "403": Outcome("it is: see whether also on remembered answers, which the next question asks"),
            "200": Outcome("it is not", ("EXPIRY_CONDITIONS=0",)),
        },
        known="",
        emulated="200",
    ),
    Question(
        "rest-time-condition-remembered",
        "Is it evaluated on remembered answers too?",
        Api.REST,
        (Call("/t", {"until": 8}), Call("/t", {"until": 8}, wait=12)),
        _last_status,
        {
            "403": Outcome("it is: remembered answers can end with the token", ("EXPIRY_CONDITIONS=1",)),
            "200": Outcome("it is not: a remembered answer lives on by the TTL", ("EXPIRY_CONDITIONS=0",)),
        },
        known="",
        emulated="200",
    ),
    Question(
        "rest-long-resource",
        "Is a `Resource` of more than 512 characters taken?",
        Api.REST,
        (Call("/" + "a" * 600, {"resource": "own"}),),
        _last_status,
        {
            "200": Outcome("it is: the documented limit is not enforced"),
            "403": Outcome("it is not, and the request is denied: long paths need a pattern"),
            "500": Outcome("it is not, and the request fails: long paths need a pattern"),
        },
        known="",
        emulated="200",
    ),
    Question(
        "rest-size",
        "How large may an answer be?",
        Api.REST,
        tuple(Call("/s", _ANY | {"pad": size * 1000}, f"s{size}") for size in SIZES),
        _largest,
        _CEILINGS,
        known="",
        emulated="60",
    ),
    Question(
        "rest-remembered-route",
        "Is an answer remembered for its token alone, on whatever route?",
        Api.REST,
        (Call("/one", _ANY), Call("/two", _ANY)),
        _is_remembered,
        _REMEMBERED,
        known="remembered",
        emulated="remembered",
    ),
    Question(
        "rest-remembered-deny",
        "Is a Deny remembered?",
        Api.REST,
        (Call("/d", _ANY | {"effect": "Deny"}), Call("/d", _ANY)),
        _repeated,
        _REFUSED,
        known="",
        emulated="remembered",
    ),
    Question(
        "rest-remembered-error",
        "Is an error remembered?",
        Api.REST,
        (Call("/e", {"raise": "probe"}), Call("/e", _ANY)),
        _repeated,
        _ERROR,
        known="",
        emulated="asked again",
    ),
    Question(
        "rest-unauthorized",
        "Which status has the exception `Unauthorized`?",
        Api.REST,
        (Call("/u", {"raise": "Unauthorized"}),),
        _last_status,
        {"401": Outcome("as documented"), "500": Outcome("clients take it for an outage, and do not sign in again")},
        known="401",
        emulated="401",
    ),
    Question(
        "rest-context",
        "Does JSON text in a context come back unchanged from a remembered answer?",
        Api.REST,
        (Call("/j", _ANY | {"text": JSON_TEXT}), Call("/j", _ANY | {"text": JSON_TEXT})),
        _text,
        {
            "unchanged": Outcome("it does: backends can read `groups` and `scopes`"),
            "changed": Outcome("it does not: read no JSON of the context where answers are remembered"),
        },
        known="",
        emulated="unchanged",
    ),
    Question(
        "rest-timeout",
        "How long does the gateway wait for an authorizer?",
        Api.REST,
        (Call("/w", _ANY | {"sleep": 35}),),
        _seconds,
        {
            "10 s": Outcome("10 s: the function's timeout has to be below"),
            "29 to 31 s": Outcome("as long as for a backend: the function's timeout counts"),
            "waits 35 s": Outcome("longer than for a backend"),
        },
        known="",
        emulated="waits 35 s",
    ),
)


def _http(payload: str, path: str) -> tuple[Question, ...]:
    """Return what is asked of an HTTP API for each payload form. `path` is the first segment of its route."""
    prefix = f"http-{payload}"
    return (
        Question(
            f"{prefix}-encoding",
            f"Is `routeArn` percent-encoded as the client sent it (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/a%2Fb%3Ac", _ANY),),
            _tail,
            {
                f"GET/{path}/a%2Fb%3Ac": Outcome("encoded as sent: Denies do not tell routes apart", ("TOKEN_SCOPE_GUARDS=0",)),
                f"GET/{path}/a/b:c": Outcome("decoded: Denies of routes catch every spelling"),
            },
            known="",
            emulated=f"GET/{path}/a/b:c",
        ),
        Question(
            f"{prefix}-slashes",
            f"Does it keep a slash at the end, and two in a row (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/a//b/", _ANY),),
            _tail,
            {
                f"GET/{path}/a//b/": Outcome("kept: a path with a slash at its end is another ARN", ("TOKEN_SCOPE_GUARDS=0",)),
                f"GET/{path}/a/b": Outcome("taken away: one path has one ARN"),
            },
            known="",
            emulated=f"GET/{path}/a//b/",
        ),
        Question(
            f"{prefix}-greedy",
            f"Does a greedy route take an empty rest (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/", _ANY),),
            _route,
            {
                f"GET /{path}/{{proxy+}}": Outcome("it does: `/files/` is the route `GET /files/{proxy+}`"),
                "$default": Outcome("it does not: `/files/` is the route `$default`"),
            },
            known=f"GET /{path}/{{proxy+}}",
            emulated="$default",
        ),
        Question(
            f"{prefix}-unauthorized",
            f"Which status has the exception `Unauthorized` (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/u", {"raise": "Unauthorized"}),),
            _last_status,
            {
                "401": Outcome("401, as at a REST API", ("HTTP_API_UNAUTHORIZED=raise",)),
                "403": Outcome("403, which does not tell a bad token from a refusal", ("HTTP_API_UNAUTHORIZED=deny",)),
                "500": Outcome("500, which clients take for an outage", ("HTTP_API_UNAUTHORIZED=deny",)),
            },
            known="",
            emulated="500",
        ),
        Question(
            f"{prefix}-time-condition",
            f"Is a condition on `aws:EpochTime` evaluated (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/t", {"until": -60}),),
            _last_status,
            {
                "403": Outcome("it is: see whether also on remembered answers, which the next question asks"),
                "200": Outcome("it is not", ("EXPIRY_CONDITIONS=0",)),
            },
            known="",
            emulated="200",
        ),
        Question(
            f"{prefix}-time-condition-remembered",
            f"Is it evaluated on remembered answers too (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/t", {"until": 8}), Call(f"/{path}/t", {"until": 8}, wait=12)),
            _last_status,
            {
                "403": Outcome("it is: remembered answers can end with the token", ("EXPIRY_CONDITIONS=1",)),
                "200": Outcome("it is not: a remembered answer lives on by the TTL", ("EXPIRY_CONDITIONS=0",)),
            },
            known="",
            emulated="200",
        ),
        Question(
            f"{prefix}-size",
            f"How large may an answer be (payload {payload}.0)?",
            Api.HTTP,
            tuple(Call(f"/{path}/s", _ANY | {"pad": size * 1000}, f"s{size}") for size in SIZES),
            _largest,
            _CEILINGS,
            known="",
            emulated="60",
        ),
        Question(
            f"{prefix}-remembered-deny",
            f"Is a Deny remembered (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/d", _ANY | {"effect": "Deny"}), Call(f"/{path}/d", _ANY)),
            _repeated,
            _REFUSED,
            known="",
            emulated="remembered",
        ),
        Question(
            f"{prefix}-remembered-error",
            f"Is an error remembered (payload {payload}.0)?",
            Api.HTTP,
            (Call(f"/{path}/e", {"raise": "probe"}), Call(f"/{path}/e", _ANY)),
            _repeated,
            _ERROR,
            known="",
            emulated="asked again",
        ),
    )


HTTP_QUESTIONS = (
    *_http("1", "one"),
    *_http("2", "two"),
    Question(
        "http-default-arn",
        "What is the ARN of a request that `$default` takes?",
        Api.HTTP,
        (Call("/elsewhere/x", _ANY),),
        _tail,
        {
            "GET/elsewhere/x": Outcome("the path that was asked for"),
            "$default": Outcome("the name of the route: a policy of paths never matches it, and `$default` has to be allowed by name"),
        },
        known="",
        emulated="GET/elsewhere/x",
    ),
    Question(
        "http-trailing-slash",
        "Which route takes `/exact/` where there is a route `GET /exact`?",
        Api.HTTP,
        (Call("/exact/", _ANY),),
        _route,
        {
            "GET /exact": Outcome("the route itself: nothing is passed by"),
            "$default": Outcome("`$default`: it has to ask the authorizer too, or a slash goes round it"),
        },
        known="",
        emulated="$default",
    ),
    Question(
        "http-remembered-route",
        "Is an answer remembered for its token alone, on whatever route?",
        Api.HTTP,
        (Call("/two/x", _ANY), Call("/exact", _ANY)),
        _is_remembered,
        _REMEMBERED,
        known="remembered",
        emulated="remembered",
    ),
    Question(
        "http-context",
        "Does JSON text in a context come back unchanged from a remembered answer?",
        Api.HTTP,
        (Call("/two/j", _ANY | {"text": JSON_TEXT}), Call("/two/j", _ANY | {"text": JSON_TEXT})),
        _text,
        {
            "unchanged": Outcome("it does: backends can read `groups` and `scopes`"),
            "changed": Outcome("it does not: read no JSON of the context where answers are remembered"),
        },
        known="",
        emulated="unchanged",
    ),
)

WEBSOCKET_QUESTIONS = (
    Question(
        "websocket-connect",
        "Does a handshake pass with a policy of its own ARN?",
        Api.WEBSOCKET,
        (Call("", {"resource": "own"}),),
        _last_status,
        {"101": Outcome("it does"), "403": Outcome("it does not")},
        known="101",
        emulated="101",
    ),
    Question(
        "websocket-unauthorized",
        "Which status has the exception `Unauthorized` at the handshake?",
        Api.WEBSOCKET,
        (Call("", {"raise": "Unauthorized"}),),
        _last_status,
        {"401": Outcome("401, as at a REST API"), "500": Outcome("500, which clients take for an outage"), "403": Outcome("403")},
        known="",
        emulated="500",
    ),
    Question(
        "websocket-size",
        "Is an answer of more than 8 KB taken at the handshake?",
        Api.WEBSOCKET,
        (Call("", _ANY | {"pad": 9000}),),
        _last_status,
        {
            "101": Outcome("it is"),
            "500": Outcome("it is not: the handshake fails, so that fewer routes go into one answer"),
        },
        known="",
        emulated="101",
    ),
)

QUESTIONS = (*REST_QUESTIONS, *HTTP_QUESTIONS, *WEBSOCKET_QUESTIONS)

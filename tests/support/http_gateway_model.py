"""A model of an HTTP API on API Gateway: which route a request takes, and what becomes of a remembered authorizer answer.

Written from these pages of the API Gateway Developer Guide, and from nothing that the product contains:

- "Create routes for HTTP APIs" (priorities of routes, what ANY stands for, `$default`)
- "Working with AWS Lambda authorizers for HTTP APIs" (identity sources, 401, caching, simple responses, 500)
- "Customizing HTTP API access logs" (what the context variables hold)

Where no page says what happens, or reports disagree, a `Reading` lets a test play each world.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

from tests.support.events import Deployment, Event, http_1_event, http_2_event
from tests.support.gateway_model import answer_problem
from tests.support.iam_evaluator import evaluate

DEFAULT = "$default"
PROD = Deployment()
CONTEXT_VARIABLES = ("$context.httpMethod", "$context.routeKey", "$context.path", "$context.stage", "$context.domainName")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """How paths are read and told, as far as that is not documented. The defaults are what users of real HTTP APIs report.

    `decodes`: routing looks at the percent-decoded path, so that `%2F` separates segments. `arn_decoded`, `path_decoded`: the route ARN, and path and
    parameters as event and context tell them, are decoded (recorded for the latter, but for `path` of payload 1.0). `trailing_slash`: `/pets/` is served
    by `/pets`. `collapses`: of slashes in a row all but one are dropped, before anything else. `truncates`: so is what follows `%3F`. `repeated`: what an
    identity source is if its header or parameter was sent more than once. Bytes that are no UTF-8 decode to U+FFFD.
    """

    decodes: bool = False
    arn_decoded: bool = True
    path_decoded: bool = True
    trailing_slash: bool = False
    collapses: bool = True
    truncates: bool = True
    repeated: Literal["joined", "first", "last"] = "joined"


@dataclass(frozen=True, slots=True)
class HttpRouted:
    """The route that a request took, and what stood in place of the variables, as routing read it."""

    route_key: str
    parameters: Mapping[str, str]


class HttpRouter:
    """The routes of an HTTP API: "full match for a route and method", then one "with a greedy path variable", then `$default`.

    Among several of one kind the first segment that differs decides, static before variable; a method before `ANY`, which stands for whatever other
    methods there are.
    """

    def __init__(self, routes: Sequence[str], reading: Reading = Reading()) -> None:
        """Take the routes. Raises `ValueError` for one that API Gateway would not create."""
        self.reading = reading
        self._default = DEFAULT in routes
        self._routes = [_Route.parse(route) for route in routes if route != DEFAULT]
        if len({(route.method, route.kinds_and_words) for route in self._routes}) < len(self._routes):
            raise ValueError("the same route twice")

    def route(self, method: str, raw_path: str) -> HttpRouted | None:
        """The route of this request, or None. `raw_path` is the path as sent, without stage and query string."""
        path = self.sent_path(raw_path)
        path = unquote(path) if self.reading.decodes else path
        segments = path[1:].split("/") if path != "/" else []
        if self.reading.trailing_slash and segments[-1:] == [""]:
            segments.pop()
        fitting = [route for route in self._routes if route.method in (method, "ANY") and route.fits(segments)]
        if fitting:
            best = min(fitting, key=lambda route: route.rank)
            return HttpRouted(best.key, best.parameters(segments))
        return HttpRouted(DEFAULT, {}) if self._default else None

    def sent_path(self, raw_path: str) -> str:
        """The path before anybody reads it."""
        if not raw_path.startswith("/") or "?" in raw_path:
            raise ValueError(f"`{raw_path}` is not a path")
        path = re.split("%3F", raw_path, maxsplit=1, flags=re.IGNORECASE)[0] if self.reading.truncates else raw_path
        return re.sub("/+", "/", path) if self.reading.collapses else path

    def arn_path(self, raw_path: str) -> str:
        """The path as the route ARN spells it."""
        return unquote(self.sent_path(raw_path)) if self.reading.arn_decoded else self.sent_path(raw_path)

    def gateway_template(self, raw_path: str) -> str:
        """The path as the event and the context spell it, without the stage."""
        return unquote(self.sent_path(raw_path)) if self.reading.path_decoded else self.sent_path(raw_path)


_STATIC, _VARIABLE, _GREEDY = range(3)


@dataclass(frozen=True, slots=True)
class _Route:
    key: str
    method: str
    segments: tuple[tuple[int, str], ...]

    @classmethod
    def parse(cls, key: str) -> "_Route":
        method, _, template = key.partition(" ")
        parts = [] if template == "/" else template[1:].split("/")
        segments = []
        for place, part in enumerate(parts, start=1):
            name = part.strip("{}").removesuffix("+")
            kind = _STATIC if part == name else _GREEDY if part == f"{{{name}+}}" and place == len(parts) else _VARIABLE
            if (
                not name
                or set(name) & set("{}+*?%")
                or part not in (name, f"{{{name}}}", f"{{{name}+}}")
                or (kind is _VARIABLE and "+" in part)
            ):
                raise ValueError(f"`{key}`: `{part}` cannot stand there")
            segments.append((kind, name))
        if not method.isupper() or not template.startswith("/"):
            raise ValueError(f"`{key}` is not a method and a path")
        return cls(key, method, tuple(segments))

    @property
    def kinds_and_words(self) -> tuple[tuple[int, str], ...]:
        return tuple((kind, name if kind is _STATIC else "") for kind, name in self.segments)

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], bool]:
        """The more specific, the less."""
        kinds = tuple(kind for kind, _ in self.segments)
        return kinds[-1:] == (_GREEDY,), kinds, self.method == "ANY"

    def fits(self, segments: Sequence[str]) -> bool:
        is_greedy = self.rank[0]
        if (len(segments) < len(self.segments)) if is_greedy else (len(segments) != len(self.segments)):
            return False
        # No variable stands for nothing, but a greedy one behind a slash: a recorded `/files/` went to `GET /files/{proxy+}` with an empty `proxy`.
        return all(
            segment == name if kind is _STATIC else kind is _GREEDY or segment != ""
            for place, ((kind, name), segment) in enumerate(zip(self.segments, segments, strict=False))
        )

    def parameters(self, segments: Sequence[str]) -> dict[str, str]:
        return {
            name: "/".join(segments[place:]) if kind is _GREEDY else segments[place]
            for place, (kind, name) in enumerate(self.segments)
            if kind is not _STATIC
        }


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What the client gets, whether the authorizer was asked, the cache key if a cache was consulted, and what the backend is told by the authorizer."""

    status: int
    invoked: bool
    key: tuple[str, ...] | None
    reason: str
    context: Mapping[str, Any] | None = None


class HttpGateway:
    """One stage of an HTTP API whose every route is guarded by one Lambda authorizer.

    The cache maps the values of the identity sources to the answer and its age. A policy is evaluated for the route ARN of each request that finds it,
    fresh or remembered; a simple response "fully allows or denies all API requests that match the cached identity source values". Denies are remembered
    like allows, failures are not. Without identity sources nothing is.
    """

    def __init__(
        self,
        router: HttpRouter,
        authorizer: Callable[[Event], object],
        *,
        payload: Literal["1.0", "2.0"],
        identity: Sequence[str],
        ttl: float,
        clock: Callable[[], float],
        simple: bool = False,
        deployment: Deployment = PROD,
        domains: Mapping[str, str] | None = None,
    ) -> None:
        """Deploy, under custom `domains` too, each with its mapping key. Raises `ValueError` for an authorizer that API Gateway would not create."""
        known = [source in CONTEXT_VARIABLES or re.fullmatch(r"\$request\.(header|querystring)\.[\w.-]+", source) for source in identity]
        if not all(known) or not 0 <= ttl <= 3600 or (simple and payload == "1.0"):
            raise ValueError("unknown identity source, time to live outside 0 to 3600 seconds, or simple responses to payload 1.0")
        self._router, self._authorizer, self._payload, self._identity = router, authorizer, payload, tuple(identity)
        self._ttl, self._clock, self._simple, self._deployment, self._domains = ttl, clock, simple, deployment, domains or {}
        self._cache: dict[tuple[str, ...], tuple[float, str]] = {}

    def request(self, method: str, path: str, headers: Pairs = (), query: Pairs = (), domain: str | None = None) -> HttpResponse:
        """Play one request, to one of the custom domains or else to the default endpoint; `path` is what follows stage or mapping key.

        A policy that the evaluator does not understand raises its `UnsupportedPolicyError`: no status can be told then.
        """
        routed = self._router.route(method, path)
        if routed is None:
            return HttpResponse(404, False, None, "Not Found")
        host, below = self._host(domain)
        context = dict(
            zip(
                CONTEXT_VARIABLES,
                (method, routed.route_key, below + self._router.gateway_template(path), self._deployment.stage, host),
                strict=True,
            )
        )
        identity = tuple(context.get(source) or self._sent_value(source, headers, query) for source in self._identity)
        if "" in identity:
            return HttpResponse(401, False, None, "Unauthorized")
        key = identity if self._ttl > 0 and identity else None
        arn = self._deployment.method_arn(method, self._router.arn_path(path))
        remembered = self._remembered(key)
        if remembered is not None:
            return self._judge(remembered, arn, key, invoked=False)
        # Where routing reads the decoded path, its parameters are that already: nothing is decoded twice.
        told = {name: value if self._router.reading.decodes else unquote(value) for name, value in routed.parameters.items()}
        more: dict[str, Any] = {
            "identity_source": identity or None,
            "path_parameters": told if self._router.reading.path_decoded else routed.parameters,
            "headers": headers,
            "query": query,
            "arn_path": self._router.arn_path(path),
            "epoch": self._clock(),
            "deployment": self._deployment,
        }
        context_path = self._router.gateway_template(path)
        if self._payload == "1.0":
            # Recorded: `path` is as it was sent, and only the context has it decoded.
            event = http_1_event(method, self._router.sent_path(path), routed.route_key, context_path=context_path, **more)
        else:
            event = http_2_event(method, context_path, routed.route_key, **more)
        if domain is not None:
            _under_domain(event, host, context["$context.path"])
        return self._ask(event, arn, key)

    def _host(self, domain: str | None) -> tuple[str, str]:
        """The host name, and what stands before the path there: the stage, or the mapping key."""
        if domain is None:
            stage = self._deployment.stage
            return self._deployment.host, "" if stage == DEFAULT else f"/{stage}"
        key = self._domains[domain]
        return domain, f"/{key}" if key else ""

    def _sent_value(self, source: str, headers: Pairs, query: Pairs) -> str:
        _, place, name = source.split(".", 2)
        # "Header names are case-insensitive. Query string names are case-sensitive."
        sent = [v for n, v in headers if n.lower() == name.lower()] if place == "header" else [v for n, v in query if n == name]
        if self._router.reading.repeated == "joined":
            return ",".join(sent)
        return sent[0 if self._router.reading.repeated == "first" else -1] if sent else ""

    def _ask(self, event: Event, arn: str, key: tuple[str, ...] | None) -> HttpResponse:
        try:
            answer = self._authorizer(json.loads(json.dumps(event)))
        except Exception as error:  # noqa: BLE001 - to the gateway, whatever the function raises is a failed invocation
            if str(error) == "Unauthorized":
                return HttpResponse(401, True, key, "Unauthorized")
            return HttpResponse(500, True, key, f"authorizer failed: {error!r}")
        if problem := _simple_problem(answer) if self._simple else answer_problem(answer):
            return HttpResponse(500, True, key, f"invalid response: {problem}")
        text = json.dumps(answer)
        if key is not None:
            self._cache[key] = (self._clock(), text)
        return self._judge(text, arn, key, invoked=True)

    def _remembered(self, key: tuple[str, ...] | None) -> str | None:
        if key is None or key not in self._cache:
            return None
        stored_at, text = self._cache[key]
        return text if self._clock() - stored_at < self._ttl else None

    def _judge(self, text: str, arn: str, key: tuple[str, ...] | None, *, invoked: bool) -> HttpResponse:
        answer = json.loads(text)
        if self._simple:
            allowed = answer["isAuthorized"]
        else:
            now = int(self._clock())
            moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            times = {"aws:EpochTime": str(now), "aws:CurrentTime": moment}
            allowed = evaluate(answer["policyDocument"], "execute-api:Invoke", arn, times) == "Allow"
        if not allowed:
            return HttpResponse(403, invoked, key, "Forbidden")
        return HttpResponse(200, invoked, key, "allowed by the authorizer", answer.get("context", {}))


def _under_domain(event: Event, host: str, path: str) -> None:
    """Tell the event that the request came to a custom domain."""
    context = event["requestContext"]
    context |= {"domainName": host, "domainPrefix": host.partition(".")[0]}
    event["headers"] |= {"host": host}
    if event["version"] == "2.0":
        event["rawPath"] = context["http"]["path"] = path
    else:
        event["path"] = context["path"] = path
        event["multiValueHeaders"] |= {"host": [host]}


def _simple_problem(answer: Any) -> str | None:
    if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
        return "no isAuthorized, true or false"
    return None if isinstance(answer.get("context", {}), dict) else "context that is not a map"

"""A model of a REST API on API Gateway: which route a request takes, and what becomes of a remembered authorizer answer.

Written from these pages of the API Gateway Developer Guide, and from nothing that the product contains:

- "Set up a method request in API Gateway" (literal before variable, what a proxy resource stands for, what ANY stands for)
- "Use API Gateway Lambda authorizers", "Configure a Lambda authorizer" (identity sources, 401, caching)
- "Output from an API Gateway Lambda authorizer", "API Gateway quotas" (what an answer holds, 512, 1,600, 8 KB)
- "How API Gateway resource policies affect authorization workflow" (silence of the authorizer beside an Allow)

Where no page says what happens, a flag of the constructor lets a test play both worlds.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import unquote

from tests.support.events import Deployment, Event, rest_request_event, rest_token_event
from tests.support.iam_evaluator import evaluate

VERBS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")  # "all of the supported HTTP methods" that ANY stands for
IDENTITY_SOURCES = ("header.Authorization", "context.httpMethod", "context.resourcePath", "context.path", "context.stage")


@dataclass(frozen=True, slots=True)
class RoutedRequest:
    """The route that a request took: both halves as the API declares them, and what stood in place of the variables."""

    method_template: str
    template: str
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Resource:
    """One node of the resource tree. A variable is kept under its name; there is at most one of each kind."""

    literals: dict[str, "_Resource"] = field(default_factory=dict)
    variable: dict[str, "_Resource"] = field(default_factory=dict)
    greedy: dict[str, "_Resource"] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)  # method -> the whole template


class Router:
    """The resource tree of a REST API.

    Undocumented, hence flags. `decodes`: routing looks at the percent-decoded path, so that `%2F` separates segments.
    `backtracks`: a branch that leads nowhere, or lacks the verb, gives way to the next less specific one; the guide says that
    it does not ("the sibling resources are excluded from the representation of the proxy resource"). `arn_decoded`: the
    method ARN holds the decoded path. Bytes that are no UTF-8 decode to U+FFFD.
    """

    def __init__(self, routes: Sequence[str], *, decodes: bool = False, backtracks: bool = False, arn_decoded: bool = False) -> None:
        """Build the tree. Raises `ValueError` for routes that API Gateway would not create."""
        self._decodes, self._backtracks, self._arn_decoded = decodes, backtracks, arn_decoded
        self._root = _Resource()
        for route in routes:
            self._add(route)

    def route(self, method: str, raw_path: str) -> RoutedRequest | None:
        """The route of this request, or None. `raw_path` is the path as sent, without stage and query string."""
        if not raw_path.startswith("/") or "?" in raw_path:
            raise ValueError(f"`{raw_path}` is not a path")
        if method not in VERBS:
            return None
        path = unquote(raw_path) if self._decodes else raw_path
        # Neither a doubled slash nor one at the end makes a segment.
        return self._find(self._root, [segment for segment in path.split("/") if segment], method, {})

    def arn_path(self, raw_path: str) -> str:
        """The path as the method ARN spells it."""
        return unquote(raw_path) if self._arn_decoded else raw_path

    def _find(self, resource: _Resource, segments: list[str], method: str, parameters: dict[str, str]) -> RoutedRequest | None:
        if not segments:
            for template_method in (method, "ANY"):
                if template_method in resource.methods:
                    return RoutedRequest(template_method, resource.methods[template_method], parameters)
            return None
        first, rest = segments[0], segments[1:]
        # Most specific first: the next resource, the segments still to place, the parameters so far.
        branches = [(child, rest, parameters) for literal, child in resource.literals.items() if literal == first]
        branches += [(child, rest, {**parameters, name: first}) for name, child in resource.variable.items()]
        branches += [(child, [], {**parameters, name: "/".join(segments)}) for name, child in resource.greedy.items()]
        for child, remaining, found in branches if self._backtracks else branches[:1]:
            routed = self._find(child, remaining, method, found)
            if routed is not None:
                return routed
        return None

    def _add(self, route: str) -> None:
        method, _, template = route.partition(" ")
        if method not in (*VERBS, "ANY") or not template.startswith("/"):
            raise ValueError(f"`{route}` is not a method and a path")
        parts = [] if template == "/" else template[1:].split("/")
        resource = self._root
        for place, part in enumerate(parts, start=1):
            name = part.strip("{}").removesuffix("+")
            if part == name and name and not set(name) & set("{}+*?"):
                resource = resource.literals.setdefault(name, _Resource())
            elif name and part in (f"{{{name}}}", f"{{{name}+}}") and (place == len(parts) or part[-2] != "+"):
                kind = resource.greedy if part[-2] == "+" else resource.variable
                if kind and name not in kind:
                    raise ValueError(f"`{route}`: a sibling already has a variable of another name")
                resource = kind.setdefault(name, _Resource())
            else:
                raise ValueError(f"`{route}`: `{part}` cannot stand there")
        if method in resource.methods:
            raise ValueError(f"`{route}` twice")
        resource.methods[method] = template


@dataclass(frozen=True, slots=True)
class Response:
    """What the client gets, whether the authorizer was asked, and the cache key if a cache was consulted."""

    status: int
    invoked: bool
    key: tuple[str, ...] | None
    reason: str


class Gateway:
    """One stage of a REST API whose every method is guarded by one Lambda authorizer.

    The cache maps the values of the identity sources to the answer and its age; each request that finds an answer, fresh or
    remembered, has the policy evaluated for its own method ARN. Denies are remembered like allows, failures are not.
    """

    def __init__(
        self,
        router: Router,
        authorizer: Callable[[Event], object],
        *,
        kind: Literal["REQUEST", "TOKEN"],
        identity: Sequence[str],
        ttl: float,
        clock: Callable[[], float],
        stage: str = "prod",
        partition: str = "aws",
        region: str = "eu-west-1",
        account: str = "111122223333",
        api_id: str = "a1b2c3d4e5",
        resource_policy_allows: bool = False,
    ) -> None:
        """Deploy. Raises `ValueError` for an authorizer that API Gateway would not create."""
        if kind == "TOKEN" and list(identity) != ["header.Authorization"]:
            raise ValueError("a TOKEN authorizer has one header as its identity source")
        if set(identity) - set(IDENTITY_SOURCES) or (ttl > 0 and not identity) or not 0 <= ttl <= 3600:
            raise ValueError("unknown identity source, cache without identity source, or time to live outside 0 to 3600 seconds")
        self._router, self._authorizer, self._kind, self._identity = router, authorizer, kind, tuple(identity)
        self._ttl, self._clock, self._resource_policy_allows = ttl, clock, resource_policy_allows
        self._deployment = Deployment(stage, partition, region, account, api_id)
        self._cache: dict[tuple[str, ...], tuple[float, str]] = {}

    def request(self, method: str, path: str, token: str | None) -> Response:
        """Play one request; `token` is the whole value of its Authorization header.

        A policy that the evaluator does not understand raises its `UnsupportedPolicyError`: no status can be told then.
        """
        routed = self._router.route(method, path)
        if routed is None:
            return Response(403, False, None, "Missing Authentication Token")
        arn = self._deployment.method_arn(method, self._router.arn_path(path))
        if len(arn.encode()) > 1600:
            return Response(414, False, None, "Request URI too long")
        stage = self._deployment.stage
        values = dict(zip(IDENTITY_SOURCES, (token, method, routed.template, f"/{stage}{path}", stage), strict=True))
        identity = tuple(values[source] or "" for source in self._identity)
        if "" in identity:
            return Response(401, False, None, "Unauthorized")
        key = identity if self._ttl > 0 else None
        remembered = self._remembered(key)
        if remembered is not None:
            return self._judge(remembered, arn, key, invoked=False)
        return self._ask(self._event(method, path, token, routed), arn, key)

    def _ask(self, event: Event, arn: str, key: tuple[str, ...] | None) -> Response:
        try:
            answer = self._authorizer(json.loads(json.dumps(event)))
        except Exception as error:  # noqa: BLE001 - to the gateway, whatever the function raises is a failed invocation
            if str(error) == "Unauthorized":
                return Response(401, True, key, "Unauthorized")
            return Response(500, True, key, f"authorizer failed: {error!r}")
        if problem := answer_problem(answer):
            return Response(500, True, key, f"authorizer configuration error: {problem}")
        text = json.dumps(answer)
        if key is not None:
            self._cache[key] = (self._clock(), text)
        return self._judge(text, arn, key, invoked=True)

    def _event(self, method: str, path: str, token: str | None, routed: RoutedRequest) -> Event:
        arn_path = self._router.arn_path(path)
        if self._kind == "TOKEN":
            return rest_token_event(method, arn_path, authorization=token or "", deployment=self._deployment)
        return rest_request_event(
            method,
            path,
            routed.template,
            path_parameters=routed.parameters,
            headers=[] if token is None else [("Authorization", token)],
            arn_path=arn_path,
            epoch=self._clock(),
            deployment=self._deployment,
        )

    def _remembered(self, key: tuple[str, ...] | None) -> str | None:
        if key is None or key not in self._cache:
            return None
        stored_at, text = self._cache[key]
        return text if self._clock() - stored_at < self._ttl else None

    def _judge(self, answer: str, arn: str, key: tuple[str, ...] | None, *, invoked: bool) -> Response:
        now = int(self._clock())
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        context = {"aws:EpochTime": str(now), "aws:CurrentTime": moment}
        verdict = evaluate(json.loads(answer)["policyDocument"], "execute-api:Invoke", arn, context)
        if verdict == "ExplicitDeny":
            return Response(403, invoked, key, "User is not authorized to access this resource with an explicit deny")
        if verdict == "Allow":
            return Response(200, invoked, key, "allowed by the authorizer")
        if self._resource_policy_allows:
            return Response(200, invoked, key, "allowed by the resource policy")
        return Response(403, invoked, key, "User is not authorized to access this resource")


def answer_problem(answer: Any) -> str | None:
    """What is wrong with an authorizer's answer, if anything. 8,192 bytes is WebSocket's limit; this judge asks it of all."""
    try:
        size = len(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError) as error:
        return f"not JSON: {error}"
    if not isinstance(answer, dict):
        return "not an object"
    principal, document, context = answer.get("principalId"), answer.get("policyDocument"), answer.get("context", {})
    flat = isinstance(context, dict) and all(isinstance(value, str | int | float) for value in context.values())
    problems = {
        "no principalId": not isinstance(principal, str) or not principal,
        "no policyDocument": not isinstance(document, dict),
        "context that is not a flat map of strings, numbers and booleans": not flat,
        "a Resource over 512 characters": any(len(resource) > 512 for resource in _resources(document)),
        "over 8192 bytes": size > 8192,
    }
    return "; ".join(problem for problem, found in problems.items() if found) or None


def _resources(document: object) -> list[str]:
    """Every Resource text; what else is wrong with the document is the evaluator's business."""
    statements = document.get("Statement") if isinstance(document, dict) else None
    found: list[object] = []
    for statement in statements if isinstance(statements, list | tuple) else [statements]:
        resource = statement.get("Resource") if isinstance(statement, dict) else None
        found += resource if isinstance(resource, list | tuple) else [resource]
    return [resource for resource in found if isinstance(resource, str)]

"""What one answer may speak of under the gateway's cache key.

The gateway gives a remembered answer to every request that shares its cache key, so an answer may depend on what the key holds and on nothing else. For
example: a key of token, method and route gets a policy for all of `GET /pets/{petId}`; a key that lacks the route gets one for the requested ARN alone.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from authorizer.errors import TroubleError
from authorizer.events import http_1, http_2, websocket
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.cache_scope import ALL_PARTS, CacheScope, KeyPart
from authorizer.policy.decision import Decision, Grounds, decide
from authorizer.policy.iam.route_policy import compile_request, compile_route, is_too_long, with_requested
from authorizer.policy.iam.statement import PolicyDocument, PolicyTooLargeError, allows
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.permission import Effect, decoded_segment
from authorizer.policy.request_path import Target, Unroutable, resolve, resolve_route_key
from authorizer.policy.route import WEBSOCKET, RouteSyntaxError, RouteTemplate, parse_path
from authorizer.policy_memo import PolicyMemo
from authorizer.ruling import Ruling
from authorizer.table.cache import LoadedPermissions
from authorizer.tokens.claims import Principal


class Outcome(NamedTuple):
    """An answer and how it came about."""

    answer: Answer
    principal: Principal
    loaded: LoadedPermissions
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How answers are given.

    `scope` is what the gateway's cache key is said to hold, and `nothing_cached` that the gateway remembers nothing. `token_scope_guards` lets policies for
    all routes lean on Denies, `expiry_conditions` ends each Allow with its reason. `simple_responses` answers HTTP APIs by one word. `username` goes to
    the backend and the client id becomes the `usage_key` only where that is asked for. `report_only` decides as ever and lets every good token pass.
    """

    scope: CacheScope
    token_scope_guards: bool = False
    expiry_conditions: bool = False
    simple_responses: bool = False
    nothing_cached: bool = False
    username: bool = False
    usage_key: bool = False
    report_only: bool = False


class Caller(NamedTuple):
    """Who asks, and what the decision rests on."""

    principal: Principal
    loaded: LoadedPermissions
    grounds: Grounds

    @property
    def is_delegated(self) -> bool:
        """Whether the caller is a person who came through a delegated client."""
        return self.loaded.permissions.consent is not None

    @property
    def holders(self) -> Hashable:
        """Whose permissions the caller has, for the key of what is kept: those with the same groups but another consent are others."""
        return self.principal.refs, self.principal.consent if self.is_delegated else None


class _Fallback(NamedTuple):
    """Why an answer speaks of less than what is configured: `reason` for the metrics, `detail` for people."""

    reason: str
    detail: str


class _Speech(NamedTuple):
    """What an answer speaks of. `policy` is there if it can be written before the decision is made: for all requests of a route or of a caller."""

    scope: CacheScope
    policy: PolicyDocument | None = None
    fallback: _Fallback | None = None


class Answering:
    """Gives answers, and keeps compiled policies for callers who would get the same one."""

    def __init__(self, options: AnswerOptions) -> None:
        self._options = options
        self._route_policies: PolicyMemo[PolicyDocument | None] = PolicyMemo()
        self._token_policies: PolicyMemo[PolicyDocument | Refusal] = PolicyMemo()

    def rule(self, request: AuthorizationRequest, caller: Caller) -> Ruling:
        """Decide the request for what the gateway's cache key holds. Raises `TroubleError` for a key that no answer is safe under."""
        if request.format == websocket.FORMAT:
            # No gateway caches an answer to `$connect`.
            return self._ruling(request, caller, _Speech(CacheScope.REQUEST), routes=_as_text(self._route_keys(caller.grounds)))
        parts = self._cache_key_parts(request)
        if KeyPart.TOKEN not in parts:
            raise TroubleError(
                "token_not_keyed",
                "the gateway's cache key does not hold the token: make what it comes in (for a cookie, the Cookie header) an identity source",
            )
        is_simple = request.format == http_2.FORMAT and self._options.simple_responses
        if is_simple:
            _check_simple_response(request, parts)
        ruling = self._ruling(request, caller, _Speech(CacheScope.REQUEST) if is_simple else self._speech(request, caller, parts))
        if ruling.decision.allowed and KeyPart.ROUTE not in parts and not self._options.report_only:
            _hold_to_route(request, caller.grounds, ruling.decision.route)
        if is_simple:
            # One word, which names no resource: whatever shares the cache entry is answered by it.
            return replace(ruling, is_authorized=ruling.decision.allowed)
        return ruling

    def depends_on(self, caller: Caller) -> Hashable:
        """Return all of a caller that a ruling depends on besides the permissions: the claims that bindings look at, and what ends with the token."""
        claims = tuple((claim, caller.grounds.claims.get(claim)) for claim in caller.loaded.permissions.bound_claims)
        return claims, self._expiry(caller)

    def answer(self, caller: Caller, ruling: Ruling) -> Answer:
        """Return what the gateway is told of a ruling about this caller."""
        principal, loaded = caller.principal, caller.loaded
        client_id = principal.named_client_id
        context = {
            "sub": principal.subject,
            "version": str(loaded.version),
            "groups": _as_text(principal.groups),
            "client_id": client_id,
        }
        if caller.is_delegated:
            context["consent"] = _as_text(tuple(ref.name for ref in principal.consent[1:]))
        if principal.is_machine:
            context["scopes"] = _as_text(principal.scopes)
        if self._options.username and principal.username is not None:
            context["username"] = principal.username
        return Answer(
            principal.subject,
            ruling.policy,
            {**context, **ruling.context},
            is_authorized=ruling.is_authorized,
            usage_key=client_id if self._options.usage_key and client_id else None,
            policy_bytes=ruling.policy_bytes,
        )

    def _cache_key_parts(self, request: AuthorizationRequest) -> frozenset[KeyPart]:
        """Return what the gateway's cache key holds: as the event shows it, or, where it does not, as the setting promises."""
        return ALL_PARTS if self._options.nothing_cached or request.cache_key_parts is None else request.cache_key_parts

    def _speech(self, request: AuthorizationRequest, caller: Caller, parts: frozenset[KeyPart]) -> _Speech:
        """Return what the answer speaks of under a key of these parts."""
        scope = self._options.scope
        if scope is CacheScope.TOKEN:
            return _only_requested(_HTTP_ROUTING) if _is_http(request) else self._of_token(request, caller)
        if scope is CacheScope.ROUTE and request.gateway_template is not None:
            return self._of_route(request, caller, parts)
        return _Speech(CacheScope.REQUEST) if parts >= _OF_REQUEST else _only_requested(_NOT_KEYED)

    def _of_route(self, request: AuthorizationRequest, caller: Caller, parts: frozenset[KeyPart]) -> _Speech:
        grounds = caller.grounds
        target = _resolve(request, grounds, exact=False)
        if target.only_requested:
            return _only_requested(_Fallback("greedy_route", f"`{request.gateway_template}` takes in several routes"))
        if not parts >= _OF_ROUTE:
            return _only_requested(_NOT_KEYED)
        arn, expiry, slash_counts = request.method_arn, self._expiry(caller), _is_http(request)
        as_sent = _has_path_as_sent(request, target)
        try:
            policy = self._route_policies.get(
                (caller.loaded.hash, caller.holders, self.depends_on(caller), arn.method_prefix, target.route, slash_counts, as_sent),
                caller.loaded.permissions,
                grounds.now,
                lambda: compile_route(arn, grounds, target.route, token_expiry=expiry, slash_counts=slash_counts, as_sent=as_sent),
            )
        except PolicyTooLargeError as error:
            raise TroubleError("answer_too_large", str(error)) from error
        if policy is None:
            return _only_requested(_Fallback("binding", f"no policy for all of `{target.route}` can hold a bound parameter to its place"))
        return _Speech(CacheScope.ROUTE, policy)

    def _of_token(self, request: AuthorizationRequest, caller: Caller) -> _Speech:
        arn, grounds, expiry = request.method_arn, caller.grounds, self._expiry(caller)
        policy = self._token_policies.get(
            (caller.loaded.hash, caller.holders, self.depends_on(caller), arn.prefix),
            caller.loaded.permissions,
            grounds.now,
            lambda: compile_token(arn, grounds, guards=self._options.token_scope_guards, token_expiry=expiry),
        )
        if isinstance(policy, Refusal):
            return _only_requested(_Fallback(policy.reason.value, policy.message))
        return _Speech(CacheScope.TOKEN, policy)

    def _ruling(self, request: AuthorizationRequest, caller: Caller, speech: _Speech, **context: str) -> Ruling:
        """Decide, once, and write the policy. Under a fallback the cache key may not hold the request, and the context does not speak of it."""
        decision = decide_request(request, caller.grounds, speech.scope)
        policy = speech.policy
        if policy is not None:
            decision, policy = _agreed(decision, policy, request, self._expiry(caller))
        if policy is None:
            told = decision._replace(effect=Effect.ALLOW) if self._options.report_only else decision
            policy = compile_request(request.method_arn, told, token_expiry=self._expiry(caller))
            if speech.fallback is None:
                context |= {"reason": decision.reason.value, "route": str(decision.route or "")}
        fallback = speech.fallback
        return Ruling(
            request.format,
            request.method_arn,
            decision,
            policy,
            speech.scope,
            scope_fallback=fallback.reason if fallback else None,
            scope_fallback_detail=fallback.detail if fallback else None,
            report_only_override=speech.policy is None and not decision.allowed and policy["Statement"][0]["Effect"] == "Allow",
            context=context,
        )

    def _route_keys(self, grounds: Grounds) -> tuple[str, ...]:
        """Return the route keys of messages that the caller may send. Messages are authorized by the backend, which the context tells them."""
        keys = [route.path for route in grounds.catalog.routes if route.method == WEBSOCKET]
        return tuple(key for key in keys if self._options.report_only or _allows(grounds, resolve_route_key(grounds.catalog, key)))

    def _expiry(self, caller: Caller) -> int | None:
        return caller.principal.expires_at if self._options.expiry_conditions else None


_OF_ROUTE = frozenset({KeyPart.TOKEN, KeyPart.METHOD, KeyPart.ROUTE})
_OF_REQUEST = _OF_ROUTE | {KeyPart.PATH}
_IDENTITY_SOURCES = "the token's header, `$context.httpMethod`, `$context.routeKey` and `$context.path`"
_NOT_KEYED = _Fallback("not_keyed", f"the gateway's cache key does not hold all that the answer depends on: {_IDENTITY_SOURCES}")

# Policies for all routes are exact for the routing of REST APIs. An HTTP API takes a slash at the end, a full match before a greedy one, and its route for
# all others differently, and its ARNs hold decoded paths.
_HTTP_ROUTING = _Fallback("http_routing", "no policy for all routes follows an HTTP API's routing: use `CACHE_SCOPE=route`")


def decide_request(request: AuthorizationRequest, grounds: Grounds, scope: CacheScope) -> Decision:
    """Return the decision that an answer of this scope logs and, for `request`, carries.

    Where the answer speaks of the requested ARN alone, the path itself is looked at: `GET /pets/..` is refused then, whatever route the gateway names.
    """
    target = _resolve(
        request, grounds, exact=scope is CacheScope.REQUEST or (scope is CacheScope.TOKEN and request.gateway_template is None)
    )
    if scope is CacheScope.REQUEST and is_too_long(request.method_arn):
        return Decision(Effect.DENY, Unroutable.PATH_TOO_LONG, target.route)
    return decide(grounds, target)


def _agreed(
    decision: Decision, policy: PolicyDocument, request: AuthorizationRequest, token_expiry: int | None
) -> tuple[Decision, PolicyDocument]:
    """Return decision and policy so that the gateway does with this request what the log says, whatever else the policy speaks of."""
    arn = request.method_arn
    if decision.reason is Unroutable.NO_ROUTE and allows(policy, str(arn)):
        # The gateway serves a path that no route of the catalogue has, below one that the caller may use: the catalogue lacks a deployed route.
        decision = decision._replace(reason=Unroutable.CATALOGUE_DRIFT)
    policy = with_requested(policy, arn, decision, token_expiry=token_expiry)
    if decision.allowed and not allows(policy, str(arn)):
        # A Deny that holds other routes apart takes in this spelling, such as `/pets/a%2Fb`.
        decision = Decision(Effect.DENY, Unroutable.UNSAFE_PATH, decision.route)
    return decision, policy


def decide_again(request: AuthorizationRequest, outcome: Outcome, loaded: LoadedPermissions, now: float) -> Decision:
    """Return the decision on a request that was decided, by other permissions."""
    return decide_request(request, Grounds(loaded.permissions, loaded.catalog, outcome.principal.claims, now), outcome.ruling.scope)


def _allows(grounds: Grounds, target: Target) -> bool:
    return decide(grounds, target).allowed


@lru_cache(maxsize=256)
def _as_text(names: tuple[str, ...]) -> str:
    """Return a list as one text, which is all that a context may hold: `("guest", "Domain Admins")` -> `guest,Domain%20Admins`, `()` -> ``.

    It is read by `caller.read_names`. No JSON: an HTTP API is reported to break on JSON texts in an answer that it remembered.
    """
    # Many people are in the same groups.
    return ",".join(quote(name, safe="", errors="surrogatepass") for name in names)


def _only_requested(fallback: _Fallback) -> _Speech:
    return _Speech(CacheScope.REQUEST, fallback=fallback)


def _check_simple_response(request: AuthorizationRequest, parts: frozenset[KeyPart]) -> None:
    """Raise `TroubleError` unless the key holds all that one word for the whole entry depends on."""
    if not parts >= _OF_REQUEST:
        raise TroubleError(
            "simple_response_not_keyed", f"a simple response needs {_IDENTITY_SOURCES} as identity sources, or `GATEWAY_TTL=0`"
        )
    if KeyPart.HOST not in parts and (request.gateway_template is None or request.gateway_template.endswith("+}")):
        raise TroubleError(
            "simple_response_not_keyed",
            f"a simple response for `{request.gateway_template or '$default'}` needs `$context.domainName` as an identity source too, or `GATEWAY_TTL=0`:"
            " what one host name calls by a path may be something else under another",
        )


def _resolve(request: AuthorizationRequest, grounds: Grounds, *, exact: bool) -> Target:
    arn = request.method_arn
    if request.format == websocket.FORMAT:
        return resolve_route_key(grounds.catalog, arn.path if arn.verb is None else "")
    target = resolve(grounds.catalog, arn.verb or "", arn.path, request.gateway_template, exact=exact, http=_is_http(request))
    return _held_to_parameters(target, request)


def _held_to_parameters(target: Target, request: AuthorizationRequest) -> Target:
    """Return the target without those parameters of which the gateway tells the backend something else, or may: no binding is met by them.

    A REST API hands on path and parameters as they were sent, so that both are decoded once to be compared. An HTTP API tells parameters decoded, and AWS
    does not say whether its ARNs are: `owners/alice%40x.com` may have been sent so, or as `alice%2540x.com`, which is another value. There the told value
    is taken as it is, and without one what has a `%` in the ARN is nobody's.
    """
    if not target.parameters:
        return target
    is_http, told = _is_http(request), _told_values(target, request)
    if told is None:
        if not is_http:
            return target
        return target._replace(parameters={own: value for own, value in target.parameters.items() if "%" not in value})
    kept = {}
    for own, value in target.parameters.items():
        there = told.get(own)
        if there is not None and decoded_segment(value) == (there if is_http else decoded_segment(there)):
            kept[own] = value
    return target._replace(parameters=kept)


def _told_values(target: Target, request: AuthorizationRequest) -> dict[str, str] | None:
    """Return what the gateway tells of the parameters of the target's route, by their names in the catalogue; None if it tells nothing of them.

    Names are compared by their places, since the catalogue may have other ones.
    """
    template = request.gateway_template
    if target.route is None or template is None or not request.path_parameters:
        return None
    try:
        told = RouteTemplate(target.route.method, parse_path(template))
    except RouteSyntaxError:
        return None
    if told.shape != target.route.shape:
        return None
    names = zip(target.route.parameters, told.parameters, strict=True)
    return {own: request.path_parameters[name] for own, name in names if name in request.path_parameters}


def _has_path_as_sent(request: AuthorizationRequest, target: Target) -> bool:
    """Return whether the gateway's ARNs have the path as it was sent: a REST API's do, and an HTTP API's if a parameter is told decoded of what they have."""
    return not _is_http(request) or any(decoded_segment(value) != value for value in target.parameters.values())


def _hold_to_route(request: AuthorizationRequest, grounds: Grounds, route: RouteTemplate | None) -> None:
    """See that an Allow which the gateway finds again without its route is good for every route that may share the ARN. Raises `TroubleError`.

    The ARNs of HTTP APIs are said to hold decoded paths: then `/pets/a/b` and `/pets/a%2Fb` are one.
    """
    verb, segments = request.method_arn.verb or "", tuple(request.method_arn.path.removesuffix("/").split("/"))
    for other in grounds.catalog.match_decoded(verb, segments):
        # A bound value of the other route is not known here, so that no binding is met.
        if other != route and not _allows(grounds, Target(verb, other)):
            raise TroubleError(
                "route_not_keyed", f"an answer for `{route}` might be remembered for `{other}`: make `$context.routeKey` an identity source"
            )


def _is_http(request: AuthorizationRequest) -> bool:
    return request.format in (http_1.FORMAT, http_2.FORMAT)

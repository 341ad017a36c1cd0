"""One request, a straight line: token, principal, permissions, decision, policy."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from authorizer.errors import TokenError, TroubleError
from authorizer.events import http_1, http_2, websocket
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.cache_scope import ALL_PARTS, CacheScope, KeyPart
from authorizer.policy.decision import Decision, Grounds, decide
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.iam.route_policy import compile_request, compile_route, is_too_long
from authorizer.policy.iam.statement import PolicyDocument, PolicyTooLargeError
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.permission import Effect, RefKind
from authorizer.policy.request_path import Target, Unroutable, resolve, resolve_route_key
from authorizer.policy.route import WEBSOCKET, RouteTemplate
from authorizer.policy_memo import PolicyMemo
from authorizer.table.cache import LoadedPermissions, PermissionCache
from authorizer.tokens.claims import Principal
from authorizer.tokens.verifier import TokenVerifier, bearer_token


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and how it came about.

    `scope` is what the answer speaks of. `narrowed` says why that is less than what is configured: `greedy_route` if the gateway's route takes in
    several routes of the catalogue, `binding` if a bound parameter cannot be held to its place, the reason of a `Refusal` to speak of all the caller's
    routes, or `http_routing` for any such answer to an HTTP API, and `not_keyed` if the event shows that the gateway's cache key does not hold what
    the answer depends on; `narrowed_detail` explains it. `let_pass` tells that the answer allows what was decided to be denied, in report-only mode.
    """

    answer: Answer
    principal: Principal
    decision: Decision
    loaded: LoadedPermissions
    scope: CacheScope
    narrowed: str | None = None
    narrowed_detail: str | None = None
    let_pass: bool = False


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


class Authorizer:
    """Authorizes requests. Raises `TokenError` for the caller's mistakes and `TroubleError` for ours; everything else is an answer."""

    def __init__(self, verifier: TokenVerifier, permissions: PermissionCache, options: AnswerOptions, *, now: Callable[[], float]) -> None:
        self._verifier = verifier
        self._permissions = permissions
        self._options = options
        self._now = now
        self._route_policies: PolicyMemo[PolicyDocument | None] = PolicyMemo()
        self._token_policies: PolicyMemo[PolicyDocument | Refusal] = PolicyMemo()

    def authorize(self, request: AuthorizationRequest) -> Outcome:
        """Decide one request and compile the answer for what the gateway's cache key holds."""
        principal = self._verifier.verify(bearer_token(_only_value(request.authorization)))
        loaded = self._permissions.load(principal.refs)
        now = self._now()
        if loaded.denylist.refusing(principal.token_ids, now) is not None:
            raise TokenError("denylisted", "the token, its user or its client is on the denylist")
        caller = _Caller(principal, loaded, Grounds(loaded.permissions, loaded.catalog, principal.claims, now))
        if request.format == websocket.FORMAT:
            return self._for_connection(request, caller)
        return self._for_call(request, caller)

    def has_stale_keys(self, principal: Principal) -> bool:
        """Whether the keys that vouched for this caller serve beyond their maximum age."""
        return self._verifier.has_stale_keys(principal.issuer)

    def _for_call(self, request: AuthorizationRequest, caller: "_Caller") -> Outcome:
        keyed = self._keyed(request)
        if KeyPart.TOKEN not in keyed:
            raise TroubleError("token_not_keyed", "the gateway's cache key does not hold the token: make its header an identity source")
        outcome = self._for_key(request, caller, keyed)
        if outcome.decision.allowed and KeyPart.ROUTE not in keyed and not self._options.report_only:
            _hold_to_route(request, caller.grounds, outcome.decision.route)
        return outcome

    def _for_key(self, request: AuthorizationRequest, caller: "_Caller", keyed: frozenset[KeyPart]) -> Outcome:
        """The answer for a cache key of these parts."""
        scope = self._options.scope
        if request.format == http_2.FORMAT and self._options.simple_responses:
            return self._for_word(request, caller, keyed)
        if scope is CacheScope.TOKEN:
            return self._for_request(request, caller, _HTTP_ROUTING) if _is_http(request) else self._for_token(request, caller)
        if scope is CacheScope.ROUTE and request.told_path is not None:
            return self._for_route(request, caller, keyed)
        return self._for_request(request, caller, () if keyed >= _OF_REQUEST else _NOT_KEYED)

    def _keyed(self, request: AuthorizationRequest) -> frozenset[KeyPart]:
        """What the gateway's cache key holds: as the event shows it, or, where it does not, as the setting promises."""
        return ALL_PARTS if self._options.nothing_cached or request.keyed is None else request.keyed

    def _for_request(
        self, request: AuthorizationRequest, caller: "_Caller", narrowed: tuple[str, str] | tuple[()] = (), **context: str
    ) -> Outcome:
        """The answer for the requested ARN. If it is `narrowed`, the cache key may not hold the request, and the context does not speak of it."""
        target = _resolve(request, caller.grounds, exact=True)
        decision = decide(caller.grounds, target)
        if is_too_long(request.method_arn):
            decision = Decision(Effect.DENY, Unroutable.PATH_TOO_LONG, target.route)
        told = replace(decision, effect=Effect.ALLOW) if self._options.report_only else decision
        policy = compile_request(request.method_arn, told, token_expiry=self._expiry(caller))
        if not narrowed:
            context |= {"reason": decision.reason.value, "route": str(decision.route or "")}
        outcome = self._outcome(caller, policy, decision, CacheScope.REQUEST, narrowed, **context)
        return replace(outcome, let_pass=not decision.allowed and policy["Statement"][0]["Effect"] == "Allow")

    def _for_connection(self, request: AuthorizationRequest, caller: "_Caller") -> Outcome:
        """The answer for `$connect`. Messages are authorized by the backend: the context tells it the route keys that the caller may use."""
        grounds = caller.grounds
        keys = [route.path for route in grounds.catalog.routes if route.method == WEBSOCKET]
        allowed = [key for key in keys if self._options.report_only or decide(grounds, resolve_route_key(grounds.catalog, key)).allowed]
        return self._for_request(request, caller, routes=json.dumps(allowed))

    def _for_word(self, request: AuthorizationRequest, caller: "_Caller", keyed: frozenset[KeyPart]) -> Outcome:
        """One word, which names no resource: whatever shares the cache entry is answered by it."""
        if not keyed >= _OF_REQUEST:
            raise TroubleError(
                "simple_response_not_keyed", f"a simple response needs {_IDENTITY_SOURCES} as identity sources, or `GATEWAY_TTL=0`"
            )
        if KeyPart.HOST not in keyed and (request.told_path is None or request.told_path.endswith("+}")):
            raise TroubleError(
                "simple_response_not_keyed",
                f"a simple response for `{request.told_path or '$default'}` needs `$context.domainName` as an identity source too, or `GATEWAY_TTL=0`:"
                " what one host name calls by a path may be something else under another",
            )
        outcome = self._for_request(request, caller)
        return replace(outcome, answer=replace(outcome.answer, is_authorized=outcome.decision.allowed))

    def _for_route(self, request: AuthorizationRequest, caller: "_Caller", keyed: frozenset[KeyPart]) -> Outcome:
        grounds = caller.grounds
        target = _resolve(request, grounds, exact=False)
        if target.only_requested:
            return self._for_request(request, caller, ("greedy_route", f"`{request.told_path}` takes in several routes"))
        if not keyed >= _OF_ROUTE:
            return self._for_request(request, caller, _NOT_KEYED)
        arn, expiry, slash_counts = request.method_arn, self._expiry(caller), _is_http(request)
        try:
            policy = self._route_policies.get(
                (*self._memo_key(caller), arn.method_prefix, target.route, slash_counts),
                grounds.permissions,
                grounds.now,
                lambda: compile_route(arn, grounds, target.route, token_expiry=expiry, slash_counts=slash_counts),
            )
        except PolicyTooLargeError as error:
            raise TroubleError("answer_too_large", str(error)) from error
        if policy is None:
            detail = f"no policy for all of `{target.route}` can hold a bound parameter to its place"
            return self._for_request(request, caller, ("binding", detail))
        return self._outcome(caller, policy, decide(grounds, target), CacheScope.ROUTE)

    def _for_token(self, request: AuthorizationRequest, caller: "_Caller") -> Outcome:
        arn, grounds, expiry = request.method_arn, caller.grounds, self._expiry(caller)
        policy = self._token_policies.get(
            (*self._memo_key(caller), arn.prefix),
            grounds.permissions,
            grounds.now,
            lambda: compile_token(arn, grounds, guards=self._options.token_scope_guards, token_expiry=expiry),
        )
        if isinstance(policy, Refusal):
            return self._for_request(request, caller, (policy.reason.value, policy.message))
        decision = decide(grounds, _resolve(request, grounds, exact=request.told_path is None))
        return self._outcome(caller, policy, decision, CacheScope.TOKEN)

    def _outcome(
        self,
        caller: "_Caller",
        policy: PolicyDocument,
        decision: Decision,
        scope: CacheScope,
        narrowed: tuple[str, str] | tuple[()] = (),
        **more: str,
    ) -> Outcome:
        principal, loaded = caller.principal, caller.loaded
        client_id = principal.token_ids.values.get(DenylistKind.CLIENT_ID, "")
        context = {
            "sub": principal.subject,
            "version": str(loaded.version),
            "groups": json.dumps(principal.groups, ensure_ascii=False),
            "client_id": client_id,
        }
        if principal.is_machine:
            context["scopes"] = json.dumps([ref.name for ref in principal.refs if ref.kind is RefKind.SCOPE], ensure_ascii=False)
        if self._options.username and principal.username is not None:
            context["username"] = principal.username
        usage_key = client_id if self._options.usage_key and client_id else None
        answer = Answer(principal.subject, policy, context | more, usage_key=usage_key)
        return Outcome(answer, principal, decision, loaded, scope, *narrowed)

    def _expiry(self, caller: "_Caller") -> int | None:
        return caller.principal.expires_at if self._options.expiry_conditions else None

    def _memo_key(self, caller: "_Caller") -> tuple[object, ...]:
        """All that a policy depends on besides the route: the version in its history, who asks, and the claims that bindings look at."""
        bound = {binding.claim for permission in caller.grounds.permissions for binding in permission.where}
        claims = tuple((claim, caller.grounds.claims.get(claim)) for claim in sorted(bound))
        return caller.loaded.hash, caller.principal.refs, claims, self._expiry(caller)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks, and what the decision rests on."""

    principal: Principal
    loaded: LoadedPermissions
    grounds: Grounds


_OF_ROUTE = frozenset({KeyPart.TOKEN, KeyPart.METHOD, KeyPart.ROUTE})
_OF_REQUEST = _OF_ROUTE | {KeyPart.PATH}
_IDENTITY_SOURCES = "the token's header, `$context.httpMethod`, `$context.routeKey` and `$context.path`"
_NOT_KEYED = ("not_keyed", f"the gateway's cache key does not hold all that the answer depends on: {_IDENTITY_SOURCES}")

# Policies for all routes are exact for the routing of REST APIs. An HTTP API takes a slash at the end, a full match before a greedy one, and its route for
# all others differently, and its ARNs hold decoded paths.
_HTTP_ROUTING = ("http_routing", "no policy for all routes follows an HTTP API's routing: use `CACHE_SCOPE=route`")


def decide_anew(request: AuthorizationRequest, outcome: Outcome, loaded: LoadedPermissions, now: float) -> Decision:
    """The decision on a request that was decided, by other permissions."""
    grounds = Grounds(loaded.permissions, loaded.catalog, outcome.principal.claims, now)
    if outcome.decision.reason is Unroutable.PATH_TOO_LONG:
        return outcome.decision
    exact = outcome.scope is CacheScope.REQUEST or (outcome.scope is CacheScope.TOKEN and request.told_path is None)
    return decide(grounds, _resolve(request, grounds, exact=exact))


def _resolve(request: AuthorizationRequest, grounds: Grounds, *, exact: bool) -> Target:
    arn = request.method_arn
    if request.format == websocket.FORMAT:
        return resolve_route_key(grounds.catalog, arn.path if arn.verb is None else "")
    return resolve(grounds.catalog, arn.verb or "", arn.path, request.told_path, exact=exact, http=_is_http(request))


def _hold_to_route(request: AuthorizationRequest, grounds: Grounds, route: RouteTemplate | None) -> None:
    """See that an Allow which the gateway finds again without its route is good for every route that may share the ARN. Raises `TroubleError`.

    The ARNs of HTTP APIs are said to hold decoded paths: then `/pets/a/b` and `/pets/a%2Fb` are one.
    """
    verb, segments = request.method_arn.verb or "", tuple(request.method_arn.path.removesuffix("/").split("/"))
    for served, other in grounds.catalog.cells:
        # A bound value of the other route is not known here, so that no binding is met.
        if served == verb and other != route and other.fits_decoded(segments) and not decide(grounds, Target(verb, other)).allowed:
            raise TroubleError(
                "route_not_keyed", f"an answer for `{route}` might be remembered for `{other}`: make `$context.routeKey` an identity source"
            )


def _is_http(request: AuthorizationRequest) -> bool:
    return request.format in (http_1.FORMAT, http_2.FORMAT)


def _only_value(values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise TokenError("several_authorization_values", "the request has more than one token")
    if not values:
        raise TokenError("missing_token", "the request has no token")
    return values[0]

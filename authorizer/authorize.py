"""One request, a straight line: token, principal, permissions, decision, policy."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from authorizer.claims import Principal
from authorizer.errors import TokenError, TroubleError
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.permission_cache import LoadedPermissions, PermissionCache
from authorizer.policy.compiler import CacheScope, PolicyDocument, PolicyTooLargeError, compile_request, compile_route, is_too_long
from authorizer.policy.decision import Decision, Grounds, decide
from authorizer.policy.permission import Effect
from authorizer.policy.request_path import Target, Unroutable, resolve
from authorizer.token_verifier import TokenVerifier, bearer_token


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and how it came about.

    `scope` is what the answer speaks of. `narrowed` tells that the gateway's greedy route takes in several routes of the catalogue, so that the
    answer could not speak of it as a whole: such an API needs `request` scope.
    """

    answer: Answer
    principal: Principal
    decision: Decision
    loaded: LoadedPermissions
    scope: CacheScope
    narrowed: bool


class Authorizer:
    """Authorizes requests. Raises `TokenError` for the caller's mistakes and `TroubleError` for ours; everything else is an answer."""

    def __init__(
        self,
        verifier: TokenVerifier,
        permissions: PermissionCache,
        *,
        scope: CacheScope,
        expiry_conditions: bool,
        now: Callable[[], float],
    ) -> None:
        self._verifier = verifier
        self._permissions = permissions
        self._scope = scope
        self._expiry_conditions = expiry_conditions
        self._now = now

    def authorize(self, request: AuthorizationRequest) -> Outcome:
        """Decide one request and compile the answer for what the gateway's cache key holds."""
        principal = self._verifier.verify(bearer_token(_only_value(request.authorization)))
        loaded = self._permissions.load(principal.refs)
        grounds = Grounds(loaded.permissions, loaded.catalog, principal.claims, self._now())
        scope = self._scope if request.told_path is not None else CacheScope.REQUEST
        arn = request.method_arn
        target = resolve(loaded.catalog, arn.verb or "", arn.path, request.told_path, exact=scope is CacheScope.REQUEST)
        narrowed = target.only_requested and scope is not CacheScope.REQUEST
        if narrowed:
            scope = CacheScope.REQUEST
        decision = decide(grounds, target)
        if scope is CacheScope.REQUEST and is_too_long(arn):
            decision = Decision(Effect.DENY, Unroutable.PATH_TOO_LONG, target.route)
        policy = self._compile(request, scope, grounds, target, decision, principal)
        return Outcome(_answer(principal, loaded, scope, decision, policy), principal, decision, loaded, scope, narrowed)

    def _compile(
        self,
        request: AuthorizationRequest,
        scope: CacheScope,
        grounds: Grounds,
        target: Target,
        decision: Decision,
        principal: Principal,
    ) -> PolicyDocument:
        token_expiry = principal.expires_at if self._expiry_conditions else None
        if scope is CacheScope.REQUEST:
            return compile_request(request.method_arn, decision, token_expiry=token_expiry)
        try:
            return compile_route(request.method_arn, grounds, target.route, token_expiry=token_expiry)
        except PolicyTooLargeError as error:
            raise TroubleError("answer_too_large", str(error)) from error


def _only_value(values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise TokenError("several_authorization_values", "the request has more than one Authorization value")
    if not values:
        raise TokenError("missing_token", "the request has no Authorization value")
    return values[0]


def _answer(principal: Principal, loaded: LoadedPermissions, scope: CacheScope, decision: Decision, policy: PolicyDocument) -> Answer:
    context = {"version": str(loaded.version), "groups": json.dumps(principal.groups, ensure_ascii=False)}
    if scope is CacheScope.REQUEST:
        # Only here does the cache key hold the request: in a wider scope these would be replayed on other requests.
        context["reason"] = decision.reason.value
        context["route"] = str(decision.route or "")
    return Answer(principal.subject, policy, context)

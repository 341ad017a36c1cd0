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
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.permission import Effect, RefKind
from authorizer.policy.request_path import Target, Unroutable, resolve
from authorizer.policy.token_compiler import Refusal, compile_token
from authorizer.policy_memo import PolicyMemo
from authorizer.token_verifier import TokenVerifier, bearer_token


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and how it came about.

    `scope` is what the answer speaks of. `narrowed` says why that is less than what is configured: `greedy_route` if the gateway's route takes in
    several routes of the catalogue, `binding` if a bound parameter cannot be held to its place, or the reason of a `Refusal` to speak of all the
    caller's routes; `narrowed_detail` explains it.
    """

    answer: Answer
    principal: Principal
    decision: Decision
    loaded: LoadedPermissions
    scope: CacheScope
    narrowed: str | None = None
    narrowed_detail: str | None = None


class Authorizer:
    """Authorizes requests. Raises `TokenError` for the caller's mistakes and `TroubleError` for ours; everything else is an answer."""

    def __init__(
        self,
        verifier: TokenVerifier,
        permissions: PermissionCache,
        *,
        scope: CacheScope,
        token_scope_guards: bool = False,
        expiry_conditions: bool = False,
        now: Callable[[], float],
    ) -> None:
        self._verifier = verifier
        self._permissions = permissions
        self._scope = scope
        self._guards = token_scope_guards
        self._expiry_conditions = expiry_conditions
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
        grounds = Grounds(loaded.permissions, loaded.catalog, principal.claims, now)
        if self._scope is CacheScope.TOKEN:
            return self._for_token(request, principal, loaded, grounds)
        if self._scope is CacheScope.ROUTE and request.told_path is not None:
            return self._for_route(request, principal, loaded, grounds)
        return self._for_request(request, principal, loaded, grounds)

    def _for_request(
        self,
        request: AuthorizationRequest,
        principal: Principal,
        loaded: LoadedPermissions,
        grounds: Grounds,
        narrowed: tuple[str, str] | tuple[()] = (),
    ) -> Outcome:
        target = _resolve(request, grounds, exact=True)
        decision = decide(grounds, target)
        if is_too_long(request.method_arn):
            decision = Decision(Effect.DENY, Unroutable.PATH_TOO_LONG, target.route)
        policy = compile_request(request.method_arn, decision, token_expiry=self._expiry(principal))
        # Only here does the cache key hold the request: in a wider scope these would be replayed on other requests.
        context = {"reason": decision.reason.value, "route": str(decision.route or "")}
        return Outcome(_answer(principal, loaded, policy, **context), principal, decision, loaded, CacheScope.REQUEST, *narrowed)

    def _for_route(self, request: AuthorizationRequest, principal: Principal, loaded: LoadedPermissions, grounds: Grounds) -> Outcome:
        target = _resolve(request, grounds, exact=False)
        if target.only_requested:
            return self._for_request(
                request, principal, loaded, grounds, ("greedy_route", f"`{request.told_path}` takes in several routes")
            )
        arn, expiry = request.method_arn, self._expiry(principal)
        try:
            policy = self._route_policies.get(
                (*self._memo_key(principal, loaded, grounds), arn.method_prefix, target.route),
                loaded.permissions,
                grounds.now,
                lambda: compile_route(arn, grounds, target.route, token_expiry=expiry),
            )
        except PolicyTooLargeError as error:
            raise TroubleError("answer_too_large", str(error)) from error
        if policy is None:
            detail = f"no policy for all of `{target.route}` can hold a bound parameter to its place"
            return self._for_request(request, principal, loaded, grounds, ("binding", detail))
        return Outcome(_answer(principal, loaded, policy), principal, decide(grounds, target), loaded, CacheScope.ROUTE)

    def _for_token(self, request: AuthorizationRequest, principal: Principal, loaded: LoadedPermissions, grounds: Grounds) -> Outcome:
        arn, expiry = request.method_arn, self._expiry(principal)
        policy = self._token_policies.get(
            (*self._memo_key(principal, loaded, grounds), arn.prefix),
            loaded.permissions,
            grounds.now,
            lambda: compile_token(arn, grounds, guards=self._guards, token_expiry=expiry),
        )
        if isinstance(policy, Refusal):
            return self._for_request(request, principal, loaded, grounds, (policy.reason.value, policy.message))
        decision = decide(grounds, _resolve(request, grounds, exact=request.told_path is None))
        return Outcome(_answer(principal, loaded, policy), principal, decision, loaded, CacheScope.TOKEN)

    def _expiry(self, principal: Principal) -> int | None:
        return principal.expires_at if self._expiry_conditions else None

    def _memo_key(self, principal: Principal, loaded: LoadedPermissions, grounds: Grounds) -> tuple[object, ...]:
        """All that a policy depends on besides the route: the version in its history, who asks, and the claims that bindings look at."""
        bound = {binding.claim for permission in loaded.permissions for binding in permission.where}
        claims = tuple((claim, grounds.claims.get(claim)) for claim in sorted(bound))
        return loaded.hash, principal.refs, claims, self._expiry(principal)


def _resolve(request: AuthorizationRequest, grounds: Grounds, *, exact: bool) -> Target:
    arn = request.method_arn
    return resolve(grounds.catalog, arn.verb or "", arn.path, request.told_path, exact=exact)


def _only_value(values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise TokenError("several_authorization_values", "the request has more than one Authorization value")
    if not values:
        raise TokenError("missing_token", "the request has no Authorization value")
    return values[0]


def _answer(principal: Principal, loaded: LoadedPermissions, policy: PolicyDocument, **more: str) -> Answer:
    context = {
        "version": str(loaded.version),
        "groups": json.dumps(principal.groups, ensure_ascii=False),
        "client_id": principal.token_ids.values.get(DenylistKind.CLIENT_ID, ""),
    }
    if principal.is_machine:
        context["scopes"] = json.dumps([ref.name for ref in principal.refs if ref.kind is RefKind.SCOPE], ensure_ascii=False)
    return Answer(principal.subject, policy, context | more)

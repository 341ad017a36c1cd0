"""One request, a straight line: token, principal, permissions, denylist, answer."""

from collections.abc import Callable

from authorizer.answering import Answering, AnswerOptions, Caller, Outcome
from authorizer.errors import TokenError
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.decision import Grounds
from authorizer.request_memo import RequestMemo
from authorizer.ruling import Ruling
from authorizer.table.cache import LoadedPermissions, PermissionCache
from authorizer.tokens.claims import Principal
from authorizer.tokens.verifier import TokenVerifier, bearer_token


class Authorizer:
    """Authorizes requests. Raises `TokenError` for the caller's mistakes and `TroubleError` for ours; everything else is an answer."""

    def __init__(self, verifier: TokenVerifier, permissions: PermissionCache, options: AnswerOptions, *, now: Callable[[], float]) -> None:
        self._verifier = verifier
        self._permissions = permissions
        self._answering = Answering(options)
        self._rulings: RequestMemo[Ruling] = RequestMemo()
        self._outcomes: RequestMemo[Outcome] = RequestMemo()
        self._now = now

    def authorize(self, request: AuthorizationRequest) -> Outcome:
        """Return the answer to a request: verify its token, load what the caller holds, ask the denylist, and answer."""
        principal = self._verifier.verify(bearer_token(_only_value(request.authorization)))
        loaded = self._permissions.load(principal.refs, principal.consent)
        now = self._now()
        _check_denylist(principal, loaded, now)
        grounds = Grounds(loaded.permissions, loaded.catalog, principal.claims, now)
        caller = Caller(principal, loaded, grounds)
        told = loaded.version, loaded.hash, loaded.cached, loaded.stale
        return self._outcomes.get(request, caller, lambda: self._outcome(request, caller), same=principal, equal=told)

    def _outcome(self, request: AuthorizationRequest, caller: Caller) -> Outcome:
        """Many callers hold the same permissions, and one ruling serves them all."""
        ruling = self._rulings.get(
            request,
            caller,
            lambda: self._answering.rule(request, caller),
            same=caller.loaded.permissions,
            equal=self._answering.depends_on(caller),
        )
        return Outcome(self._answering.answer(caller, ruling), caller.principal, caller.loaded, ruling)

    def has_stale_keys(self, principal: Principal) -> bool:
        """Return whether the keys that vouched for this caller serve beyond their maximum age."""
        return self._verifier.has_stale_keys(principal.issuer)

    @property
    def head_age(self) -> float:
        """How many seconds ago the table confirmed the permissions that are served."""
        return self._permissions.head_age


def _only_value(values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise TokenError("several_authorization_values", "the request has more than one token")
    if not values:
        raise TokenError("missing_token", "the request has no token")
    return values[0]


def _check_denylist(principal: Principal, loaded: LoadedPermissions, now: float) -> None:
    if loaded.denylist and loaded.denylist.refusing(principal.token_ids, now) is not None:
        raise TokenError("denylisted", "the token, its user or its client is on the denylist")

"""A bad token at an HTTP API, answered by a refusal. What becomes of an exception there, no document says.

The gateway remembers an answer, and an exception never. So a refusal is given only where nothing that finds it again deserves better: where nothing is
remembered, or under a cache key that holds this very token, for a reason that does not
end within moments. For example: `expired` stays so; `not_yet_valid` ends by itself.
"""

from authorizer.errors import TokenError
from authorizer.events import http_1, http_2
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.cache_scope import KeyPart
from authorizer.policy.decision import Decision, Reason
from authorizer.policy.iam.route_policy import compile_request
from authorizer.policy.permission import Effect

PRINCIPAL = "unauthorized"
"""Who is refused, as far as the gateway is told. No subject is called so: they are ids of users and clients."""

FOR_GOOD = frozenset(
    {
        *("too_large", "malformed", "malformed_authorization", "algorithm", "critical_header", "type", "issuer", "expired"),
        *("token_use", "client_id", "audience", "subject", "groups", "scope", "claim_type", "too_many_refs", "signature", "denylisted"),
    }
)
"""Reasons for which a token is bad until somebody changes something, which may then take the gateway's time to show: as it does when a permission is given.
The others end by themselves, for good tokens too: `unknown_kid` when the keys are fetched again, `not_yet_valid` and `issued_in_future` as time passes.
`missing_token` and `several_authorization_values` are about no one token."""

_DENIED = Decision(Effect.DENY, Reason.IMPLICIT_DENY, None)


def unauthorized_answer(request: AuthorizationRequest, error: TokenError, *, simple_responses: bool, nothing_cached: bool) -> Answer | None:
    """Return the refusal of the requested ARN, None where only an exception is safe. It tells the backend nothing, as no backend is asked."""
    if request.format not in (http_1.FORMAT, http_2.FORMAT):
        return None
    if not nothing_cached and (error.reason not in FOR_GOOD or KeyPart.TOKEN not in (request.cache_key_parts or ())):
        return None
    is_simple = simple_responses and request.format == http_2.FORMAT
    return Answer(PRINCIPAL, compile_request(request.method_arn, _DENIED), {}, is_authorized=False if is_simple else None)

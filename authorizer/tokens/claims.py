"""What a verified token's claims must say, and what they say of its bearer. Pure and driven by tables; signatures are somebody else's.

Follows RFC 7519 section 4.1 and the Cognito developer guide, "Understanding the access token".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from authorizer.errors import TokenError
from authorizer.policy.denylist import DenylistKind, TokenIds
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind, bindable_text

MAX_REFS = 100
"""Groups, or scopes, that one token may carry: Cognito's own limit of groups per user."""

MAX_CLOCK_SKEW_SECONDS = 60
"""By how much the issuer's clock may be ahead. Expiry has no such grace: Lambda's clock is kept by AWS."""

MAX_KNOWN_GROUPS = 256
"""Sets of groups whose refs are remembered: many people are in the same ones."""

_MAX_SECONDS = 2**40
_OWN_BINDINGS = ("sub", "client_id", "username")


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer and what is demanded of its tokens.

    `token_use` is what the claim of that name must be; `none` is for issuers that have no such claim. A named issuer's refs and subjects carry the name, so
    that its directory cannot mint ours. `binding_claims` are claims that `where` may name besides an unnamed issuer's `sub`, `client_id` and
    `username`.
    """

    name: str
    issuer: str
    jwks_uri: str
    client_ids: frozenset[str]
    audience: frozenset[str]
    token_use: str
    groups_claim: str = "cognito:groups"
    binding_claims: tuple[str, ...] = ()


class Principal(NamedTuple):
    """The verified bearer of a token. `refs` are what permissions may be given to, `claims` the values that `where` may compare with.

    `groups` carry the issuer's name as refs do, so that no backend takes a partner's `admin` for ours. The token is good from the second `good_from`, which
    allows for an issuer's clock that is ahead, until `expires_at`. A tuple is made in a quarter of the time of a
    dataclass, and one is made for each token.
    """

    subject: str
    refs: tuple[PrincipalRef, ...]
    claims: Mapping[str, str]
    groups: tuple[str, ...]
    issuer: str
    client_id: str | None
    jti: str | None
    origin_jti: str | None
    issued_at: int | None
    auth_time: int | None
    expires_at: int
    issuer_name: str = ""
    username: str | None = None
    good_from: int = 0

    @property
    def token_ids(self) -> TokenIds:
        """What the denylist is asked about."""
        prefix = _prefix(self.issuer_name)
        named = {
            DenylistKind.SUB: self.subject.removeprefix(prefix),
            DenylistKind.CLIENT_ID: self.client_id,
            DenylistKind.JTI: self.jti,
            DenylistKind.ORIGIN_JTI: self.origin_jti,
        }
        values = {kind: prefix + value for kind, value in named.items() if value}
        return TokenIds(values, self.issued_at if self.auth_time is None else self.auth_time)

    @property
    def named_client_id(self) -> str:
        """The client id as the denylist and backends know it, with the issuer's name; "" if the token has none."""
        return _prefix(self.issuer_name) + self.client_id if self.client_id else ""

    @property
    def is_machine(self) -> bool:
        """Whether the token stands for a program and not for a person."""
        # Refs are everyone's, and then the client's if there is one.
        return any(ref.kind is RefKind.CLIENT for ref in self.refs[:2])


OUR_ISSUER = TrustedIssuer(
    name="",
    issuer="",
    jwks_uri="",
    client_ids=frozenset(),
    audience=frozenset(),
    token_use="access",  # noqa: S106  # the word, not a secret
)
"""An issuer without a name, as the shorthand configures it: for claims that somebody wants explained, not verified."""


def refs_of(claims: Mapping[str, object], issuer: TrustedIssuer = OUR_ISSUER) -> tuple[PrincipalRef, ...]:
    """Return what permissions may be given to, for a token with these claims. Raises `TokenError` for groups or scopes that no token carries."""
    return _refs(claims, issuer, _prefix(issuer.name), _groups(claims, issuer), _scopes(claims))


def _prefix(issuer_name: str) -> str:
    return f"{issuer_name}:" if issuer_name else ""


def check_claims(claims: Mapping[str, object], issuer: TrustedIssuer, now: float) -> Principal:
    """Return the bearer, if every demand is met at `now` (epoch seconds). Raises `TokenError` with a reason for each that is not."""
    if claims.get("iss") != issuer.issuer:
        raise TokenError("issuer", "the token's issuer is not the one that signed it")
    times = _times(claims)
    for reason, holds in _DEMANDS:
        if not holds(claims, issuer, times, now):
            raise TokenError(reason, _MESSAGES[reason])
    groups = _groups(claims, issuer)
    subject = _text(claims, "sub") or ""
    client_id = _text(claims, "client_id")
    if client_id is None and issuer.token_use == "id":  # noqa: S105  # the word, not a secret
        # Cognito names the client of an ID token in `aud`, and it is one.
        client_id = next(iter(_audience(claims)), None) if len(_audience(claims)) == 1 else None
    prefix = _prefix(issuer.name)
    return Principal(
        subject=prefix + subject,
        refs=_refs(claims, issuer, prefix, groups, _scopes(claims)),
        claims=_bindable_claims(claims, issuer),
        groups=tuple(prefix + name for name in groups) if prefix else groups,
        issuer=issuer.issuer,
        client_id=client_id,
        jti=_text(claims, "jti"),
        origin_jti=_text(claims, "origin_jti"),
        issued_at=times.issued_at,
        auth_time=times.auth_time,
        expires_at=times.expires_at or 0,
        issuer_name=issuer.name,
        username=_username(claims, prefix),
        good_from=max(times.not_before or 0, times.issued_at or 0, times.auth_time or 0) - MAX_CLOCK_SKEW_SECONDS,
    )


class _Times(NamedTuple):
    """The moments that a token names, in epoch seconds."""

    expires_at: int | None
    not_before: int | None
    issued_at: int | None
    auth_time: int | None


def _times(claims: Mapping[str, object]) -> _Times:
    return _Times(_seconds(claims, "exp"), _seconds(claims, "nbf"), _seconds(claims, "iat"), _seconds(claims, "auth_time"))


def _username(claims: Mapping[str, object], prefix: str) -> str | None:
    """Cognito says it in `username` of access tokens and in `cognito:username` of ID tokens."""
    name = _text(claims, "username") or _text(claims, "cognito:username")
    return prefix + name if name else None


def _has_not_expired(_claims: Mapping[str, object], _issuer: TrustedIssuer, times: _Times, now: float) -> bool:
    return times.expires_at is not None and now < times.expires_at


def _has_begun(_claims: Mapping[str, object], _issuer: TrustedIssuer, times: _Times, now: float) -> bool:
    return times.not_before is None or times.not_before <= now + MAX_CLOCK_SKEW_SECONDS


def _was_issued(_claims: Mapping[str, object], _issuer: TrustedIssuer, times: _Times, now: float) -> bool:
    """The denylist compares `issued_before` with `auth_time` where there is one."""
    latest = max(times.issued_at or 0, times.auth_time or 0)
    return latest <= now + MAX_CLOCK_SKEW_SECONDS


def _has_token_use(claims: Mapping[str, object], issuer: TrustedIssuer, _times: _Times, _now: float) -> bool:
    return issuer.token_use == "none" or claims.get("token_use") == issuer.token_use  # noqa: S105  # the word, not a secret


def _has_client(claims: Mapping[str, object], issuer: TrustedIssuer, _times: _Times, _now: float) -> bool:
    """Cognito puts the client into `client_id` of access tokens and into `aud` of ID tokens."""
    if not issuer.client_ids:
        return True
    if issuer.token_use == "id":  # noqa: S105  # the word, not a secret
        return _audience(claims) <= issuer.client_ids and bool(_audience(claims))
    return _text(claims, "client_id") in issuer.client_ids


def _has_audience(claims: Mapping[str, object], issuer: TrustedIssuer, _times: _Times, _now: float) -> bool:
    return not issuer.audience or bool(_audience(claims) & issuer.audience)


def _is_for_somebody(_claims: Mapping[str, object], issuer: TrustedIssuer, _times: _Times, _now: float) -> bool:
    return bool(issuer.client_ids or issuer.audience)


def _has_subject(claims: Mapping[str, object], _issuer: TrustedIssuer, _times: _Times, _now: float) -> bool:
    subject = claims.get("sub")
    return isinstance(subject, str) and 0 < len(subject) <= 256 and subject.isprintable()


_DEMANDS: tuple[tuple[str, Callable[[Mapping[str, object], TrustedIssuer, _Times, float], bool]], ...] = (
    ("expired", _has_not_expired),
    ("not_yet_valid", _has_begun),
    ("issued_in_future", _was_issued),
    ("token_use", _has_token_use),
    ("unrestricted_issuer", _is_for_somebody),
    ("client_id", _has_client),
    ("audience", _has_audience),
    ("subject", _has_subject),
)

_MESSAGES = {
    "expired": "the token has expired, or does not say when it does",
    "not_yet_valid": "the token is not valid yet",
    "issued_in_future": "the token was issued in the future",
    "token_use": "the token is of another use than the one that is accepted",
    "unrestricted_issuer": "the issuer is configured without client ids and audience",
    "client_id": "the token was issued to a client that is not accepted",
    "audience": "the token is for another audience",
    "subject": "the token names no subject",
}


def _refs(
    claims: Mapping[str, object], issuer: TrustedIssuer, prefix: str, groups: tuple[str, ...], scopes: tuple[str, ...]
) -> tuple[PrincipalRef, ...]:
    """Everyone, and either a person's groups or a machine's client and scopes: on a person's token those would widen what the groups say."""
    client_id = _text(claims, "client_id")
    is_person = issuer.groups_claim in claims or "username" in claims or "cognito:username" in claims
    if is_person or not client_id or client_id != claims.get("sub"):
        return _group_refs(prefix, groups)
    # Nor has a machine any group: its token lacks the claim.
    client = PrincipalRef(RefKind.CLIENT, prefix + client_id)
    return (EVERYONE, client, *sorted({PrincipalRef(RefKind.SCOPE, prefix + scope) for scope in scopes}))


@lru_cache(maxsize=MAX_KNOWN_GROUPS)
def _group_refs(prefix: str, groups: tuple[str, ...]) -> tuple[PrincipalRef, ...]:
    return (EVERYONE, *sorted({PrincipalRef(RefKind.GROUP, prefix + name) for name in groups}))


def _bindable_claims(claims: Mapping[str, object], issuer: TrustedIssuer) -> dict[str, str]:
    """Claims whose values may stand for path parameters.

    A named issuer's `sub` is not ours: unless it is listed, a partner's directory could name its user after one of our owners.
    """
    names = issuer.binding_claims if issuer.name else (*_OWN_BINDINGS, *issuer.binding_claims)
    return {name: text for name in names if (text := bindable_text(claims.get(name))) is not None}


def _groups(claims: Mapping[str, object], issuer: TrustedIssuer) -> tuple[str, ...]:
    value = claims.get(issuer.groups_claim, [])
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise TokenError("groups", "the token's groups are not a list of names")
    return _not_too_many(tuple(value))


def _scopes(claims: Mapping[str, object]) -> tuple[str, ...]:
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise TokenError("scope", "the token's scope is not text")
    # RFC 6749 section 3.3: scopes are separated by this one kind of space.
    return _not_too_many(tuple(name for name in value.split(" ") if name))


def _not_too_many(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > MAX_REFS:
        raise TokenError("too_many_refs", f"the token has more than {MAX_REFS} groups or scopes")
    return names


def _audience(claims: Mapping[str, object]) -> frozenset[str]:
    """One text or a list of texts (RFC 7519 section 4.1.3)."""
    value = claims.get("aud", [])
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TokenError("claim_type", "the token's `aud` is neither a name nor a list of names")
    return frozenset(names)


def _text(claims: Mapping[str, object], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise TokenError("claim_type", f"the token's `{name}` is not text")
    return value


def _seconds(claims: Mapping[str, object], name: str) -> int | None:
    """Return a moment in epoch seconds, fractions cut off (RFC 7519 section 2, NumericDate)."""
    value = claims.get(name)
    if type(value) is int and 0 <= value < _MAX_SECONDS:
        return value
    if value is None and name not in claims:
        return None
    # A comparison is false for NaN too. `bool` is an `int` to Python, but not a number in JSON.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MAX_SECONDS:
        raise TokenError("claim_type", f"the token's `{name}` is not a moment")
    return int(value)

"""What a verified token's claims must say, and what they say of its bearer. Pure and driven by tables; signatures are somebody else's.

Follows RFC 7519 section 4.1 and the Cognito developer guide, "Understanding the access token".
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from authorizer.errors import TokenError
from authorizer.policy.denylist import DenylistKind, TokenIds
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind, bindable_text

MAX_SCOPES = 100
"""Scopes that a machine's token may carry."""

MAX_CLOCK_SKEW_SECONDS = 60
"""By how much the issuer's clock may be ahead. Expiry has no such grace: Lambda's clock is kept by AWS."""

MAX_KNOWN_GROUPS = 256
"""Sets of groups whose refs are remembered: many people are in the same ones."""

MAX_REMEMBERED_SET = 100
"""Groups of a set that is remembered: Cognito has no larger ones ("Quotas in Amazon Cognito"), and other directories' would fill the memory."""

GROUPS_CLAIM = "cognito:groups"
CLIENT_CLAIM = "client_id"

_MAX_SECONDS = 2**40
_TEXT_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


class MachineRule(NamedTuple):
    """How an issuer's tokens say that they stand for a program: the claim is there and, with `equals`, has that very value.

    For example `gty` = `client-credentials` for Auth0, and `client_id`, which only service accounts have, for Keycloak.
    """

    claim: str
    equals: str | None = None

    def fits(self, claims: Mapping[str, object]) -> bool:
        """Return whether a token with these claims is a machine's."""
        value = claims.get(self.claim)
        # Some issuers write `false` or an empty text where others leave a claim out.
        return value not in (None, False, "") if self.equals is None else value == self.equals


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer and what is demanded of its tokens.

    `token_use` is what the claim of that name must be; `none` is for issuers that have no such claim. A named issuer's refs and subjects carry the name, so
    that its directory cannot mint ours. `groups_claim` is a claim's name, or a JSON Pointer (RFC 6901) such as `/realm_access/roles`. `client_claim` names the
    client, as `azp` does for Keycloak. `machine` tells programs from people; without it a program's `sub` is its client. `algorithms` are those that may sign
    (RFC 7518 section 3.1). `binding_claims` are the claims of a named issuer that `where` may name; of an unnamed one it may name any. `foreign_names` are the
    names of all issuers where this one has none: its directory must not mint their groups either.
    """

    name: str
    issuer: str
    jwks_uri: str
    client_ids: frozenset[str]
    audience: frozenset[str]
    token_use: str
    groups_claim: str = GROUPS_CLAIM
    binding_claims: tuple[str, ...] = ()
    client_claim: str = CLIENT_CLAIM
    machine: MachineRule | None = None
    algorithms: tuple[str, ...] = ("RS256",)
    foreign_names: frozenset[str] = field(default=frozenset(), compare=False)
    groups_path: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups_path", _path(self.groups_claim))

    def can_bind(self, claim: str) -> bool:
        """Return whether `where` may compare a path parameter with this claim of the issuer's tokens."""
        return not self.name or claim in self.binding_claims


def _path(claim: str) -> tuple[str, ...]:
    """`cognito:groups` -> one step, `/realm_access/roles` -> two. `~1` and `~0` stand for `/` and `~` (RFC 6901 section 4)."""
    if not claim.startswith("/"):
        return (claim,)
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in claim[1:].split("/"))


class BindableClaims(Mapping[str, str]):
    """The claims of a token that `where` may name, as the texts that path parameters are compared with. `issuer` says which they are.

    Hardly any claim is ever asked for, so that none is looked at before.
    """

    __slots__ = ("_claims", "_issuer")

    def __init__(self, claims: Mapping[str, object], issuer: TrustedIssuer) -> None:
        self._claims = claims
        self._issuer = issuer

    def __getitem__(self, claim: str) -> str:
        text = bindable_text(self._claims[claim]) if self._issuer.can_bind(claim) else None
        if text is None:
            raise KeyError(claim)
        return text

    def __iter__(self) -> Iterator[str]:
        return (claim for claim, value in self._claims.items() if self._issuer.can_bind(claim) and bindable_text(value) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Principal(NamedTuple):
    """The verified bearer of a token. `refs` are what permissions may be given to, `claims` the values that `where` may compare with.

    `groups` carry the issuer's name as refs do, so that no backend takes a partner's `admin` for ours. The token is good from the second `good_from`, which
    allows for an issuer's clock that is ahead, until `expires_at`. `consent` is for a person's token that names its client: the client and then the
    scopes, which count if that client is delegated. A tuple is made in a quarter of the time of a dataclass, and one is made for each token.
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
    consent: tuple[PrincipalRef, ...] = ()

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
    def scopes(self) -> tuple[str, ...]:
        """The scopes of a machine's token, with the issuer's name."""
        return tuple(ref.name for ref in self.refs if ref.kind is RefKind.SCOPE)

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
    return _refs(claims, issuer, _prefix(issuer.name), _groups(claims, issuer))


def consent_of(claims: Mapping[str, object], issuer: TrustedIssuer = OUR_ISSUER) -> tuple[PrincipalRef, ...]:
    """Return the client and the scopes of a person's token with these claims, as `Principal.consent` has them. Raises `TokenError` as `refs_of` does."""
    return _consent(claims, issuer, _client_id(claims, issuer), refs_of(claims, issuer))


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
    client_id = _client_id(claims, issuer)
    if issuer.foreign_names:
        _check_own_names(issuer, subject, client_id)
    prefix = _prefix(issuer.name)
    refs = _refs(claims, issuer, prefix, groups)
    return Principal(
        subject=prefix + subject,
        refs=refs,
        claims=BindableClaims(claims, issuer),
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
        consent=_consent(claims, issuer, client_id, refs),
    )


class _Times(NamedTuple):
    """The moments that a token names, in epoch seconds."""

    expires_at: int | None
    not_before: int | None
    issued_at: int | None
    auth_time: int | None


def _times(claims: Mapping[str, object]) -> _Times:
    return _Times(_seconds(claims, "exp"), _seconds(claims, "nbf"), _seconds(claims, "iat"), _sign_in(claims))


def _sign_in(claims: Mapping[str, object]) -> int | None:
    """`auth_time` is a number (OpenID Connect Core section 2). AD FS writes `2026-12-01T08:30:00.000Z`."""
    value = claims.get("auth_time")
    if isinstance(value, str) and _TEXT_MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value[:19]).replace(tzinfo=UTC).timestamp()
        except ValueError:
            moment = -1
        return _seconds({"auth_time": moment}, "auth_time")
    return _seconds(claims, "auth_time")


def _client_id(claims: Mapping[str, object], issuer: TrustedIssuer) -> str | None:
    """Return the client of a token: that of an ID token is its audience, where it has one, whatever another claim says."""
    client_id = _text(claims, issuer.client_claim)
    if issuer.token_use == "id":  # noqa: S105  # the word, not a secret
        audience = _audience(claims)
        if len(audience) == 1:
            return next(iter(audience))
        return client_id if client_id in audience else None
    return client_id


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
    return _text(claims, issuer.client_claim) in issuer.client_ids


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


def _refs(claims: Mapping[str, object], issuer: TrustedIssuer, prefix: str, groups: tuple[str, ...]) -> tuple[PrincipalRef, ...]:
    """Everyone and the groups, of a machine its client and scopes too: on a person's token those would widen what the groups say."""
    of_groups = _group_refs(prefix, groups) if len(groups) <= MAX_REMEMBERED_SET else _group_refs.__wrapped__(prefix, groups)
    client_id = _text(claims, issuer.client_claim)
    if not client_id or not _is_machine(claims, issuer, client_id):
        return of_groups
    client = PrincipalRef(RefKind.CLIENT, prefix + client_id)
    scopes = sorted({PrincipalRef(RefKind.SCOPE, prefix + scope) for scope in _scopes(claims, issuer)})
    return (EVERYONE, client, *of_groups[1:], *scopes)


def _is_machine(claims: Mapping[str, object], issuer: TrustedIssuer, client_id: str) -> bool:
    """Cognito's client credentials give a token whose `sub` is the client and that has neither groups nor a user's name."""
    if issuer.machine is not None:
        return issuer.machine.fits(claims)
    if client_id != claims.get("sub") or "username" in claims or "cognito:username" in claims:
        return False
    return _at_groups_path(claims, issuer) is _MISSING


@lru_cache(maxsize=MAX_KNOWN_GROUPS)
def _group_refs(prefix: str, groups: tuple[str, ...]) -> tuple[PrincipalRef, ...]:
    return (EVERYONE, *sorted({PrincipalRef(RefKind.GROUP, prefix + name) for name in groups}))


def _consent(
    claims: Mapping[str, object], issuer: TrustedIssuer, client_id: str | None, refs: tuple[PrincipalRef, ...]
) -> tuple[PrincipalRef, ...]:
    """Return the client and the scopes of a person's token, nothing for a machine's. What is no scope is none: the person's groups do not depend on it."""
    if not client_id or any(ref.kind is RefKind.CLIENT for ref in refs[:2]):
        return ()
    scopes = _scope_names(claims, issuer) or ()
    if issuer.foreign_names:
        scopes = tuple(name for name in scopes if not _reads_like_anothers((name,), issuer))
    find = _consent_refs if len(scopes) <= MAX_REMEMBERED_SET else _consent_refs.__wrapped__
    return find(_prefix(issuer.name), client_id, scopes)


@lru_cache(maxsize=MAX_KNOWN_GROUPS)
def _consent_refs(prefix: str, client_id: str, scopes: tuple[str, ...]) -> tuple[PrincipalRef, ...]:
    # The tokens of a client have the same few scopes.
    return (PrincipalRef(RefKind.CLIENT, prefix + client_id), *sorted({PrincipalRef(RefKind.SCOPE, prefix + name) for name in scopes}))


_MISSING = object()


def _at_groups_path(claims: Mapping[str, object], issuer: TrustedIssuer) -> object:
    """Return what the groups claim says, `_MISSING` for a token without it."""
    first, *steps = issuer.groups_path
    value = claims.get(first, _MISSING)
    for step in steps:
        value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def _groups(claims: Mapping[str, object], issuer: TrustedIssuer) -> tuple[str, ...]:
    """A list of names, or one name as a text, as AD FS and others write the only one. Null is a list without any."""
    value = _at_groups_path(claims, issuer)
    if value is _MISSING or value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise TokenError("groups", "the token's groups are neither a name nor a list of names")
    if issuer.foreign_names and _reads_like_anothers(names, issuer):
        raise TokenError("groups", "a group of the token has the name of another issuer before its colon")
    return tuple(names)


def _check_own_names(issuer: TrustedIssuer, subject: str, client_id: str | None) -> None:
    """Raise `TokenError` for a subject or a client that backends and the denylist would take for another issuer's."""
    for reason, name in (("subject", subject), ("client_id", client_id or "")):
        if _reads_like_anothers((name,), issuer):
            raise TokenError(reason, "the token's subject or client has the name of another issuer before its colon")


def _reads_like_anothers(names: Sequence[str], issuer: TrustedIssuer) -> bool:
    """Return whether any of these would be taken for another issuer's: `partner:admin` of one's own pool for `admin` of the issuer `partner`."""
    return any(name.partition(":")[0] in issuer.foreign_names for name in names if ":" in name)


def _scope_names(claims: Mapping[str, object], issuer: TrustedIssuer) -> tuple[str, ...] | None:
    """Return the scopes, None for what are none: one text with spaces between them (RFC 6749 section 3.3), or a list. Null is a list without any.

    Other directories than Cognito call them `scp`.
    """
    value = claims.get("scp" if issuer.name and "scope" not in claims else "scope")
    names = value.split(" ") if isinstance(value, str) else [] if value is None else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(name for name in names if name)


def _scopes(claims: Mapping[str, object], issuer: TrustedIssuer) -> tuple[str, ...]:
    """Return the scopes of a machine's token, which decide."""
    scopes = _scope_names(claims, issuer)
    if scopes is None:
        raise TokenError("scope", "the token's scopes are neither a text nor a list of names")
    if issuer.foreign_names and _reads_like_anothers(scopes, issuer):
        raise TokenError("scope", "a scope of the token has the name of another issuer before its colon")
    if len(scopes) > MAX_SCOPES:
        raise TokenError("too_many_refs", f"the token has more than {MAX_SCOPES} scopes")
    return scopes


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

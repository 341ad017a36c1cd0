"""Whose tokens an API's authorizer accepts, as far as that is known, and what one token of theirs gives to its bearer."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from authorizer.errors import TokenError
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.tokens.claims import OUR_ISSUER, TrustedIssuer, consent_of, refs_of


class RefusedTokenError(Exception):
    """No authorizer accepts a token with these claims. `claim` is the claim that is wrong, "" if no single one is."""

    def __init__(self, message: str, claim: str = "") -> None:
        super().__init__(message)
        self.claim = claim


@dataclass(frozen=True, slots=True)
class TrustedIssuers:
    """The issuers, the same that the authorizer reads from its settings. Without `are_known` nobody said which: then one's own pool is there alone.

    The address of one's own pool is empty where it is not known.
    """

    issuers: tuple[TrustedIssuer, ...] = (OUR_ISSUER,)
    are_known: bool = False

    @property
    def named(self) -> tuple[TrustedIssuer, ...]:
        """Return those with a name."""
        return tuple(issuer for issuer in self.issuers if issuer.name)

    def minting(self, ref: PrincipalRef) -> tuple[TrustedIssuer, ...]:
        """Return whose tokens may have a ref: `everyone` -> all, `group/partner:staff` -> `partner` if there is one of that name, `group/staff` -> our own."""
        if ref == EVERYONE:
            return self.issuers
        name = prefix_of(ref)
        of_name = tuple(issuer for issuer in self.named if issuer.name == name)
        return of_name or tuple(issuer for issuer in self.issuers if not issuer.name)

    def describe(self) -> str:
        """Return their names for a sentence: "`partner` and one's own pool"."""
        names = [f"`{issuer.name}`" for issuer in self.named]
        return " and ".join(names + ["one's own pool"] * (len(names) < len(self.issuers)))


_OF_A_POOL = re.compile(r"https?://(?:.+/[a-z]{2}(?:-[a-z]+)+-\d+_[0-9A-Za-z]+|(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/].*)?)")

_OF_PEOPLE = ("cognito:groups", "cognito:username", "username")
"""Claims that only a person's token has."""

NOT_KNOWN = TrustedIssuers()
"""What holds where nobody says which issuers are trusted."""


def prefix_of(ref: PrincipalRef) -> str:
    """Return the issuer's name that a ref seems to begin with: `group/partner:staff` -> `partner`, `group/staff` -> ``."""
    prefix, colon, _ = ref.name.partition(":")
    return prefix if colon else ""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks: the refs and claims of one token, and its issuer. `notes` tell what was taken for granted.

    `consent` are the client and the scopes of a person's token.
    """

    refs: tuple[PrincipalRef, ...]
    claims: Mapping[str, object]
    issuer: TrustedIssuer = OUR_ISSUER
    issuer_is_known: bool = False
    consent: tuple[PrincipalRef, ...] = ()
    notes: tuple[str, ...] = ()


def bearer_of(claims: Mapping[str, object], refs: Iterable[PrincipalRef], trusted: TrustedIssuers) -> Bearer:
    """Return whom a token with these claims speaks of, and with these refs besides, which need not stand in the claims.

    The claim `iss` names the issuer; without it the refs do. Raises `RefusedTokenError` for a token that no authorizer accepts.
    """
    named = tuple(ref for ref in refs if ref != EVERYONE)
    issuer = _issuer(claims, named, trusted)
    for ref in named:
        if issuer not in trusted.minting(ref):
            raise RefusedTokenError(f"no token of {_called(issuer)} has {ref}: {_minted_by(ref, trusted)}")
    try:
        of_claims, consent = refs_of(claims, issuer), consent_of(claims, issuer)
    except TokenError as error:
        raise RefusedTokenError(f"no token has such claims: {error}") from None
    kinds = {ref.kind for ref in of_claims}
    has_groups = RefKind.GROUP in kinds or any(ref.kind is RefKind.GROUP for ref in named)
    if RefKind.CLIENT not in kinds and (has_groups or any(name in claims for name in _OF_PEOPLE)):
        # A person came through a client, with scopes. Neither is the person's own.
        consent += tuple(ref for ref in named if ref.kind is not RefKind.GROUP)
        named = tuple(ref for ref in named if ref.kind is RefKind.GROUP)
    return Bearer((*of_claims, *named), claims, issuer, trusted.are_known, consent, tuple(_notes(claims, issuer, trusted)))


def _issuer(claims: Mapping[str, object], refs: tuple[PrincipalRef, ...], trusted: TrustedIssuers) -> TrustedIssuer:
    address = claims.get("iss")
    if address is not None:
        found = next((issuer for issuer in trusted.issuers if issuer.issuer == address), None)
        if found is None and (not trusted.are_known or _may_be_ours(address)):
            found = next((issuer for issuer in trusted.issuers if not issuer.issuer), None)
        if found is None:
            raise RefusedTokenError(f"tokens of {address!a} are refused with 401: the issuers are {trusted.describe()}", "iss")
        return found
    candidates = trusted.minting(refs[0]) if refs else sorted(trusted.issuers, key=lambda issuer: issuer.name != "")
    if refs and not candidates:
        raise RefusedTokenError(f"no token has {refs[0]}: {_minted_by(refs[0], trusted)}")
    if candidates[0].name and len(candidates) > 1:
        raise RefusedTokenError(f"whose token it is decides: give the claim `iss`, the issuers are {trusted.describe()}", "iss")
    return candidates[0]


def _may_be_ours(address: object) -> bool:
    """Return whether a pool may have an address: that of Cognito or of an emulator ends in the pool's id, or is on this machine."""
    return isinstance(address, str) and _OF_A_POOL.fullmatch(address) is not None


def _minted_by(ref: PrincipalRef, trusted: TrustedIssuers) -> str:
    minting = trusted.minting(ref)
    if not minting:
        return f"the issuers are {trusted.describe()}, and what their tokens say begins with their name and `:`"
    return f"it is {_called(minting[0])} that gives it"


def _called(issuer: TrustedIssuer) -> str:
    return f"issuer `{issuer.name}`" if issuer.name else "one's own pool"


def _notes(claims: Mapping[str, object], issuer: TrustedIssuer, trusted: TrustedIssuers) -> Iterator[str]:
    if trusted.are_known and claims.get("iss") is not None and not issuer.issuer:
        yield f"{claims['iss']!a} is taken for one's own pool, whose address is not known here"

"""Which `where` of a document can never be met, whatever a token says: its issuer may not bind the claim, or no issuer gives the group at all."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from admin_api.analysis.findings import Finding
from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers, prefix_of
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef, RefKind, bindable_text
from authorizer.tokens.claims import GROUPS_CLAIM, TrustedIssuer

_ISSUER_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")

_A_POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
"""Stands for the address of one's own pool where that is not known: each has the same characters."""


@dataclass(frozen=True, slots=True)
class BindingReport:
    """`findings` are of the kinds `unbound` and `no_issuer`; `notes` are no mistakes: what holds for some callers only, or is not known."""

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def judge_bindings(document: PermissionDocument, trusted: TrustedIssuers = NOT_KNOWN) -> BindingReport:
    """Return what never applies in a document, given the issuers. Nothing of it lets anybody pass: each is a grant that somebody may believe in."""
    findings: list[Finding] = []
    notes: list[str] = []
    heirs = _heirs(document)
    for ref, subject in document.subjects.items():
        if trusted.are_known:
            findings += _unminted(ref, trusted)
        for permission in subject.permissions:
            if permission.where:
                holders = (ref, *heirs.get(ref.name, ())) if ref.kind is RefKind.GROUP else (ref,)
                notes += _values(permission, trusted)
                found, told = _judge(permission, holders, trusted)
                findings += found
                notes += told
    return BindingReport(tuple(findings), tuple(notes))


def why_unbound(claim: str, issuer: TrustedIssuer) -> str:
    """Return why the claim of a named issuer is compared with nothing, and the remedy."""
    return f"`{claim}` of issuer `{issuer.name}` may not be bound: list it in its `binding_claims`"


def _heirs(document: PermissionDocument) -> Mapping[str, list[PrincipalRef]]:
    """Return by group the subjects that inherit from it, near and far."""
    heirs: dict[str, list[PrincipalRef]] = {}
    for ref in document.subjects:
        for name in document.ancestors(ref):
            heirs.setdefault(name, []).append(ref)
    return heirs


def _unminted(ref: PrincipalRef, trusted: TrustedIssuers) -> Iterator[Finding]:
    name = prefix_of(ref)
    is_of_one = any(issuer.name == name for issuer in trusted.named)
    if ref.kind is RefKind.GROUP and name and not is_of_one and _ISSUER_NAME.fullmatch(name):
        yield Finding("no_issuer", f"{ref}: no issuer mints this: `{name}` is the name of none, the issuers are {trusted.describe()}")
    elif not trusted.minting(ref):
        yield Finding("no_issuer", f"{ref}: no issuer mints this: what {trusted.describe()} says begins with its name and `:`")


def _judge(permission: Permission, holders: tuple[PrincipalRef, ...], trusted: TrustedIssuers) -> tuple[list[Finding], list[str]]:
    # By holder and issuer why a token of that issuer never meets the permission, "" if it may.
    reasons = {(holder, issuer): _why(permission, issuer) for holder in holders for issuer in trusted.minting(holder)}
    if reasons and all(reasons.values()):
        return [Finding("unbound", f"{permission.id}: never applies: {' and '.join(dict.fromkeys(reasons.values()))}")], []
    notes = [
        f"{permission.id}: never applies to {_tokens(holder, issuer)}: {reason}" for (holder, issuer), reason in reasons.items() if reason
    ]
    if not trusted.are_known:
        notes += [
            f"{permission.id}: whether it applies to {holder} is not known, if `{prefix_of(holder)}` is an issuer: "
            "it does only if `binding_claims` of the issuer list what `where` names"
            for holder in holders
            if holder.kind is RefKind.GROUP and _ISSUER_NAME.fullmatch(prefix_of(holder))
        ]
    return [], notes


def _why(permission: Permission, issuer: TrustedIssuer) -> str:
    claims = sorted({binding.claim for binding in permission.where if not issuer.can_bind(binding.claim)})
    return " and ".join(why_unbound(claim, issuer) for claim in claims)


def _tokens(holder: PrincipalRef, issuer: TrustedIssuer) -> str:
    return f"tokens of issuer `{issuer.name}`" if holder == EVERYONE else str(holder)


def _values(permission: Permission, trusted: TrustedIssuers) -> Iterator[str]:
    """Yield what is certain of a claim's value before any token is seen: a list, or an address, is never compared."""
    for claim in sorted({binding.claim for binding in permission.where}):
        if claim == GROUPS_CLAIM:
            yield f"{permission.id}: never applies: `{claim}` is a list, and only a text or a whole number is compared"
        elif claim == "iss" and not any(bindable_text(issuer.issuer or _A_POOL) for issuer in trusted.issuers):
            yield f"{permission.id}: never applies: `{claim}` is an address, whose `/` is never compared"

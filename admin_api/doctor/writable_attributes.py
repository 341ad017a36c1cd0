"""Attributes that users of a pool may write and the authorizer trusts: whoever may set what a permission compares with gives himself what it grants."""

from collections.abc import Iterator
from dataclasses import dataclass

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.deployment import AppClient, Deployment, UserPool
from admin_api.doctor.finding import Finding, Severity
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

STANDARD = (
    *("address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname"),
    *("phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo"),
)
"""The attributes that a client's users may write where nobody says which: all standard ones, no custom one ("CreateUserPoolClient", Cognito API reference)."""

_NEVER = ("sub", "email_verified", "phone_number_verified", "identities")
"""What Cognito alone writes, whatever a client's list says."""

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Trust:
    """Something that believes a claim, in words, and whether the claim stands in access tokens only if a trigger puts it there."""

    claim: str
    by: str
    of_access_tokens: bool


def trusted_attributes_that_users_write(deployment: Deployment) -> Iterator[Finding]:
    """A `where` is as good as its claim. A user sets each attribute that the app client may write, and at sign-up those too that never change."""
    for pool in deployment.pools:
        trusts = list(_trusts(deployment, pool))
        for client in pool.clients:
            yield from _at_risk(client, pool, trusts)


def _at_risk(client: AppClient, pool: UserPool, trusts: list[_Trust]) -> Iterator[Finding]:
    writable = _writable(client, pool)
    at_risk = [claim for claim in dict.fromkeys(trust.claim for trust in trusts) if claim in writable]
    for claim in at_risk:
        believed = list(dict.fromkeys(trust for trust in trusts if trust.claim == claim))
        yield Finding(
            Severity.ERROR,
            f"app client {client.id}",
            f"its users write `{claim}`{'' if claim not in pool.fixed else ' as they sign up'}, which decides for {_by(believed)}",
            _remedy(client, pool, at_risk),
        )


def _trusts(deployment: Deployment, pool: UserPool) -> Iterator[_Trust]:
    """Return what believes the claims of a pool's tokens."""
    settings = settings_of(deployment)
    trusted = NOT_KNOWN if settings is None else TrustedIssuers(settings.issuers, are_known=True)
    issuers = [issuer for issuer in trusted.issuers if issuer.name in pool.issuers]
    of_access_tokens = not any(issuer.token_use == "id" for issuer in issuers)  # noqa: S105  # the word, not a secret
    for issuer in issuers:
        whose = f" of issuer `{issuer.name}`" if issuer.name else ""
        yield _Trust(issuer.groups_path[0], f"the groups of everybody{whose}", of_access_tokens)
        if issuer.machine is not None:
            yield _Trust(issuer.machine.claim, f"whether a token{whose} is a program's", of_access_tokens)
    if deployment.published is None:
        return
    document = deployment.published.document
    for ref, subject in document.subjects.items():
        minting = [issuer for issuer in trusted.minting(ref) if issuer.name in pool.issuers]
        if not minting or not _of_people(ref, document):
            continue
        for permission in subject.permissions:
            for claim in dict.fromkeys(binding.claim for binding in permission.where):
                if any(issuer.can_bind(claim) for issuer in minting):
                    yield _Trust(claim, f"`{permission.id}`", of_access_tokens)


def _of_people(ref: PrincipalRef, document: PermissionDocument) -> bool:
    """Return whether people may hold what a subject has. A scope is a person's by a delegated client alone, and programs have no attributes."""
    of_people = ref == EVERYONE or ref.kind is RefKind.GROUP
    by_consent = ref.kind is RefKind.SCOPE and any(document.is_delegated(other) for other in document.subjects)
    return of_people or by_consent


def _writable(client: AppClient, pool: UserPool) -> frozenset[str]:
    listed = STANDARD if client.writable is None else client.writable
    return frozenset(
        name for name in listed if name not in _NEVER and not name.startswith("cognito:") and (name not in pool.fixed or pool.self_sign_up)
    )


def _by(believed: list[_Trust]) -> str:
    named = ", ".join(trust.by for trust in believed[:_MAX_NAMED])
    more = f" and {len(believed) - _MAX_NAMED} more" if len(believed) > _MAX_NAMED else ""
    trigger = " (it stands in access tokens if a pre token generation trigger puts it there)" if believed[0].of_access_tokens else ""
    return f"{named}{more}{trigger}"


def _remedy(client: AppClient, pool: UserPool, at_risk: list[str]) -> str:
    listed = STANDARD if client.writable is None else client.writable
    rest = [name for name in listed if name not in at_risk] or ["ONE_THAT_NOTHING_TRUSTS"]
    return (
        f"`aws cognito-idp update-user-pool-client --user-pool-id {pool.id} --client-id {client.id} --write-attributes {' '.join(rest)}`, "
        "and with it all else that describe-user-pool-client shows: what is left out goes back to its default"
    )

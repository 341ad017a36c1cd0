"""The issuers' key sets: whether each holds a key that the authorizer may use."""

from collections.abc import Iterator

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.deployment import Deployment, KeySet
from admin_api.doctor.finding import Finding, Severity


def unusable_keys(deployment: Deployment) -> Iterator[Finding]:
    """Without keys no token of an issuer is accepted. They were asked for from here, where the function's network may not be."""
    settings = settings_of(deployment)
    names = {issuer.issuer: issuer.name for issuer in settings.issuers} if settings is not None else {}
    for key_set in deployment.key_sets or ():
        if key_set.problem:
            yield Finding(
                Severity.ERROR,
                f"issuer {key_set.issuer}",
                f"{key_set.url}: {key_set.problem}; without a usable key nobody with its tokens gets in",
                _remedy(key_set, names.get(key_set.issuer, "")),
            )


def _remedy(key_set: KeySet, name: str) -> str:
    setting = (
        f"`jwks_uri` of `{name}` in `TRUSTED_ISSUERS`" if name else "`JWKS_URI`, or `jwks_uri` of the pool's entry in `TRUSTED_ISSUERS`,"
    )
    return (
        f"set {setting} to the address that `gatebook issuer {key_set.issuer}` prints, and see that the function reaches it: "
        "in a VPC it needs a NAT gateway or another way out"
    )

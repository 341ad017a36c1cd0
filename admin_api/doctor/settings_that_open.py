"""Settings with which the authorizer starts, and which let more pass than the document says, or may."""

from collections.abc import Iterator

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Finding, Severity


def settings_that_open(deployment: Deployment) -> Iterator[Finding]:
    """A document holds as far as the settings let it: `REPORT_ONLY=1` enforces nothing of it, and another `API` is another document."""
    settings = settings_of(deployment)
    if deployment.function is None or settings is None:
        return
    about = f"function {deployment.function.name}"
    published = deployment.published
    if published is not None and published.document.api != settings.api:
        yield Finding(
            Severity.ERROR,
            about,
            f"`API` is `{settings.api}`, so that the function decides by that document and not by the one of `{published.document.api}`",
            f"set `API` to `{published.document.api}`, or look at `{settings.api}`",
        )
    if settings.report_only:
        yield Finding(
            Severity.WARNING,
            about,
            "`REPORT_ONLY` is `1`: every good token passes, and the document denies nobody anything",
            "take `REPORT_ONLY` out once the metric `would_be_denied` shows what you expect",
        )
    if settings.token_scope_guards:
        yield Finding(
            Severity.WARNING,
            about,
            "`TOKEN_SCOPE_GUARDS` is `1`: Denies tell routes apart, and miss a path that API Gateway decodes for routing while the ARN keeps it encoded",
            "use `CACHE_SCOPE=route`, or take `TOKEN_SCOPE_GUARDS` out",
        )
    if settings.expiry_conditions:
        yield Finding(
            Severity.WARNING,
            about,
            "`EXPIRY_CONDITIONS` is `1`: no AWS document promises that API Gateway evaluates the condition, so that an answer may outlive its token by the TTL",
            "try it with a token that is about to end, or take `EXPIRY_CONDITIONS` out",
        )
    for issuer in settings.issuers:
        if issuer.name and issuer.token_use == "none" and not issuer.audience:  # noqa: S105  # the word, not a secret
            yield Finding(
                Severity.WARNING,
                about,
                f"issuer `{issuer.name}` is trusted by its clients alone: ID tokens, and access tokens for other APIs, are accepted of it too",
                "give its entry of `TRUSTED_ISSUERS` the `audience` that access tokens for this API have",
            )

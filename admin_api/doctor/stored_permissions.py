"""Whether the table holds a document for the authorizer's API, and whether its history bears it out."""

from collections.abc import Iterator

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.unread import was_not_read


def nothing_published(deployment: Deployment) -> Iterator[Finding]:
    """An authorizer without a document cannot decide: it answers 500, and never allows anything instead."""
    settings = settings_of(deployment)
    if settings is None or deployment.published is not None or was_not_read(deployment, "dynamodb:GetItem", "dynamodb:Query"):
        return
    yield Finding(
        Severity.ERROR,
        f"table {settings.table}",
        f"it holds no document for `API` `{settings.api}`, so that every request is answered with 500",
        f"publish one: `gatebook apply FILE --table {settings.table}`, with `api: {settings.api}` in the file",
    )


def altered_history(deployment: Deployment) -> Iterator[Finding]:
    """What is in force is what versions wrote, each with its author and reason. Whatever else the table holds was put there by somebody."""
    if deployment.published is None:
        return
    api = deployment.published.document.api
    for damage in deployment.published.damage:
        yield Finding(
            Severity.ERROR,
            f"document {api}",
            f"{damage}: authorizers that start cold may decide by what no version wrote",
            f"`gatebook log {api} --verify` names all of it; find out who writes to the table, and publish what should hold with `gatebook apply`",
        )

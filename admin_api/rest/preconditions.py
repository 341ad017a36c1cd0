"""Which version a change starts from: entity tags and what is demanded of writers (RFC 9110 section 13, RFC 6585 section 3)."""

import re

from admin_api.history import NotPublishedError, Published
from admin_api.rest.problems import EXISTS, NOT_FOUND, PRECONDITION_REQUIRED, STALE_VERSION, ProblemError
from admin_api.service import PermissionService
from authorizer.permission_table import Head

MAX_CHANGES_SHOWN = 100

_TAG = re.compile(r'"([1-9]\d{0,11})-([0-9a-f]{8})"')


def entity_tag(head: Head) -> str:
    """The tag of a version. The hash tells apart versions of one number in a table that was restored."""
    return f'"{head.version}-{head.hash[:8]}"'


def require_match(service: PermissionService, api: str, published: Published, if_match: str | None) -> None:
    """Raise `ProblemError` unless `If-Match` names the published version, or is `*`.

    Weak tags never match (RFC 9110 section 13.1.1). A stale tag is answered with what has changed since.
    """
    if not if_match:
        raise ProblemError(
            PRECONDITION_REQUIRED,
            f"send `If-Match` with the `ETag` that you read, now {entity_tag(published.head)}: otherwise you could overwrite what somebody else wrote",
            headers={"ETag": entity_tag(published.head)},
        )
    tags = [tag.strip() for tag in if_match.split(",")]
    if "*" in tags or entity_tag(published.head) in tags:
        return
    raise ProblemError(
        STALE_VERSION,
        f"`If-Match` is {if_match}, and version {published.head.version} is published: read it, and make your change again",
        extensions={"current_version": published.head.version, "changes": _changes_since(service, api, published, tags)},
        headers={"ETag": entity_tag(published.head)},
    )


def require_absent(if_match: str | None, if_none_match: str | None, api: str) -> None:
    """Raise `ProblemError` unless a request for an API that is not there says that it creates one."""
    if if_match:
        raise ProblemError(
            STALE_VERSION,
            f"API `{api}` has nothing published: send `If-None-Match: *` to create it",
            extensions={"current_version": 0, "changes": []},
        )
    if if_none_match != "*":
        raise ProblemError(PRECONDITION_REQUIRED, f"API `{api}` has nothing published: send `If-None-Match: *` to create it")


def refuse_existing(published: Published, if_none_match: str | None) -> None:
    """Raise `ProblemError` if a request that creates meets something there."""
    if if_none_match == "*":
        raise ProblemError(
            EXISTS,
            f"version {published.head.version} is published already: send `If-Match` to change it",
            extensions={"current_version": published.head.version},
            headers={"ETag": entity_tag(published.head)},
        )


def not_found(error: NotPublishedError) -> ProblemError:
    """The problem for something that was never published."""
    return ProblemError(NOT_FOUND, str(error))


def _changes_since(service: PermissionService, api: str, published: Published, tags: list[str]) -> list[str]:
    """What access changed since the newest version that the tags name, if it is one of this history."""
    versions = [int(match[1]) for tag in tags if (match := _TAG.fullmatch(tag)) and int(match[1]) < published.head.version]
    if not versions:
        return []
    changes = service.diff(api, max(versions), published.head.version)
    shown = [str(change) for change in changes[:MAX_CHANGES_SHOWN]]
    return [*shown, f"and {len(changes) - len(shown)} changes more"] if len(changes) > len(shown) else shown

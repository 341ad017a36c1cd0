"""Which version a change starts from: entity tags and what is demanded of writers (RFC 9110 section 13, RFC 6585 section 3)."""

import re

from admin_api.analysis.access_changes import access_changes
from admin_api.analysis.rules import rule_changes
from admin_api.publishing.service import ConflictError, Head, PermissionService, Published
from admin_api.publishing.time_limit import TakesTooLongError, TimeLimit
from admin_api.rest.problems import EXISTS, PRECONDITION_REQUIRED, RETRY_LATER, STALE_VERSION, UNAVAILABLE, ProblemError
from authorizer.policy.document import PermissionDocument

MAX_CHANGES_SHOWN = 100

_TAG = re.compile(r'"([1-9]\d{0,11})-([0-9a-f]{8})"')


def entity_tag(head: Head) -> str:
    """Return the tag of a version. The hash tells apart versions of one number in a table that was restored."""
    return f'"{head.version}-{head.hash[:8]}"'


def require_match(service: PermissionService, api: str, published: Published, if_match: str | None, limit: TimeLimit) -> None:
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
    detail = f"`If-Match` is {if_match}, and version {published.head.version} is published: read it, and make your change again"
    raise _stale(detail, published, _changes_since(service, api, published, tags, limit))


def lost_race(service: PermissionService, api: str, base: Published | None, error: ConflictError, limit: TimeLimit) -> ProblemError:
    """Return the problem for a change that started from `base` and met somebody else's on its way to the table."""
    published = service.find_published(api)
    if published is None or (base is not None and published.head == base.head):
        # The other transaction failed too.
        return ProblemError(UNAVAILABLE, "another change was under way and came to nothing: send the request again", headers=RETRY_LATER)
    if base is None:
        return _exists(published)
    return _stale(str(error), published, _changes(base.document, published.document, limit))


def _stale(detail: str, published: Published, changes: list[str]) -> ProblemError:
    return ProblemError(
        STALE_VERSION,
        detail,
        extensions={"current_version": published.head.version, "changes": changes},
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
        raise _exists(published)


def _exists(published: Published) -> ProblemError:
    return ProblemError(
        EXISTS,
        f"version {published.head.version} is published already: send `If-Match` to change it",
        extensions={"current_version": published.head.version},
        headers={"ETag": entity_tag(published.head)},
    )


def _changes_since(service: PermissionService, api: str, published: Published, tags: list[str], limit: TimeLimit) -> list[str]:
    """Return what access changed since the newest version that the tags name, if it is one of this history."""
    versions = [int(match[1]) for tag in tags if (match := _TAG.fullmatch(tag)) and int(match[1]) < published.head.version]
    if not versions:
        return []
    then = service.version(api, max(versions))
    # A version of that number in another history, before a restore, tells nothing of this one.
    return _changes(then.document, published.document, limit) if entity_tag(then.head) in tags else []


def _changes(before: PermissionDocument, after: PermissionDocument, limit: TimeLimit) -> list[str]:
    try:
        changes = [*rule_changes(before, after), *map(str, access_changes(before, after, limit.check))]
    except TakesTooLongError:
        # That somebody else published first is what matters, and has to be said.
        return ["more than there is time to work out: read the versions since"]
    shown = changes[:MAX_CHANGES_SHOWN]
    return [*shown, f"and {len(changes) - len(shown)} changes more"] if len(changes) > len(shown) else shown

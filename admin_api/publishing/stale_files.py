"""Files are not blind: what a file was made from, and what applying it would take back that others have published since.

A file may say which version it was made from (`gatebook export` writes that), a person may (`--base`), or a plan that was kept. If nobody says so, the newest
version that was applied from a file is what files know: whatever was changed since by other ways, through the admin API for example, is in none of them.
"""

from dataclasses import dataclass

from admin_api.analysis.statements import taken_back
from admin_api.publishing.service import ConflictError, PermissionService, Plan, Published

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class FileBase:
    """The version that a file was made from. Of its `hash` the first 8 digits at least are known, or nothing."""

    version: int
    hash: str = ""


class StaleFileError(ConflictError):
    """Applying the file would undo what somebody else has published. Nothing was written."""


def refuse_if_changed(service: PermissionService, plan: Plan, base: FileBase) -> None:
    """Raise `StaleFileError` if the document was changed since the version that was looked at, 0 for nothing. The denylist may have changed: no file has it."""
    published = plan.published
    if published is None and base.version == 0:
        return
    if published is None:
        raise StaleFileError(f"{_start(plan, base)}, and nothing is published now: this is another table, or it was restored. {_REMEDY}")
    newest = service.document_version(published)
    if newest.version > base.version or published.head.version < base.version or not _is_of_this_history(service, published, base):
        raise StaleFileError(
            f"{_start(plan, base)}, and version {published.head.version} is published now: plan again to see both changes together"
        )


def refuse_if_it_takes_back(service: PermissionService, plan: Plan, base: FileBase | None) -> None:
    """Raise `StaleFileError` if applying the plan would undo what was published since its file was made, which names what that is.

    `base` is what the file says that it was made from; None if it does not say.
    """
    published = plan.published
    if plan.is_empty or published is None:
        return
    if base is None:
        newest = service.document_version(published)
        known = published.record.origin.file if published.record.origin else 0
        if known >= newest.version:
            return
        start = f"version {known}, the newest that came from a file," if known else "any file was applied,"
        since = f"`{plan.document.api}` was changed since {start} by other ways"
    else:
        if base.version > published.head.version or not _is_of_this_history(service, published, base):
            raise StaleFileError(
                f"{_start(plan, base)}, which this table does not have: it is another table, or it was restored. {_REMEDY}"
            )
        known = base.version
        since = f"{_start(plan, base)}, and somebody else has published since"
    before = service.version(plan.document.api, known).document if known else None
    lost = taken_back(before, published.document, plan.document)
    if lost:
        more = [f"and {len(lost) - _SHOWN} more"] if len(lost) > _SHOWN else []
        listed = "".join(f"\n  {each}" for each in [*lost[:_SHOWN], *more])
        raise StaleFileError(f"{since}. Applying the file would take back:{listed}\n{_REMEDY}")


_REMEDY = "`gatebook export` shows what is published; `--overwrite` takes it back knowingly"


def _start(plan: Plan, base: FileBase) -> str:
    return f"this was made from version {base.version} of `{plan.document.api}`"


def _is_of_this_history(service: PermissionService, published: Published, base: FileBase) -> bool:
    return not base.hash or base.version < 1 or service.record(published.document.api, base.version).hash.startswith(base.hash)

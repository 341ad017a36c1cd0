"""Facts as models: the one way in which the admin API and the command's `--json` say the same thing."""

from admin_api.analysis.access import Access
from admin_api.analysis.access_changes import AccessChange, access_words
from admin_api.analysis.explanation import Explanation
from admin_api.analysis.subjects import held_by
from admin_api.analysis.token_scope import TokenVerdict
from admin_api.schemas import models
from admin_api.schemas.places import encode_name
from authorizer.policy.denylist import DenylistEntry
from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import PrincipalRef


def matrix_row(document: PermissionDocument, ref: PrincipalRef) -> models.MatrixRow:
    """Return what a subject may do on every route, with what everyone may."""
    words = access_words(held_by(document, ref), document.catalog)
    cells = [models.MatrixCell(route=f"{verb} {route.path}", access=access) for (verb, route), access in words.items()]
    return models.MatrixRow(subject=str(ref), cells=cells)


def access_entry(access: Access) -> models.Access:
    """Return who may call which route, and by which permissions."""
    return models.Access(
        subject=str(access.subject),
        route=f"{access.verb} {access.route.path}",
        access=access.words,
        permissions=list(access.permissions),
        by_everyone=access.by_everyone,
    )


def explanation(found: Explanation, version: int) -> models.Explanation:
    """Return why a request is allowed or denied at a version."""
    grant = found.suggested_grant
    return models.Explanation(
        version=version,
        allowed=found.decision.allowed,
        reason=found.decision.reason.value,
        sentence=str(found),
        route=str(found.decision.route) if found.decision.route else None,
        parameters=dict(found.parameters),
        determining=[str(held) for held in found.determining],
        unknown=[str(ref) for ref in found.unknown_refs],
        near_misses=[models.NearMiss(kind=miss.kind.value, message=miss.message) for miss in found.near_misses],
        more_subjects=found.more_subjects,
        suggested_grant=None if grant is None else models.SuggestedGrant(subject=str(grant.subject), entry=grant.entry, note=grant.note),
        why_no_grant=found.why_no_grant,
    )


def access_change(change: AccessChange) -> models.AccessChange:
    """Return a change of access, with its sentence."""
    return models.AccessChange(
        subject=str(change.subject), route=change.route, before=change.before, after=change.after, sentence=str(change)
    )


def token_verdict(verdict: TokenVerdict) -> models.TokenVerdict:
    """Return a verdict on `token` scope."""
    return models.TokenVerdict(
        callers_in=[str(ref) for ref in verdict.refs],
        expressible=verdict.is_expressible,
        with_guards=verdict.size is not None,
        bytes=verdict.size,
        message=verdict.refusal.message if verdict.refusal else None,
    )


def denylist_entry(entry: DenylistEntry, now: float) -> models.DenylistEntry:
    """Return an entry of the denylist; `in_force` tells whether the entry counts at `now`."""
    return models.DenylistEntry(
        kind=entry.kind.value,
        value=entry.value,
        place=f"{entry.kind.value}/{encode_name(entry.value)}",
        reason=entry.reason,
        author=entry.author,
        version=entry.version,
        expires_at=format_time(entry.expires_at),
        issued_before=None if entry.issued_before is None else format_time(entry.issued_before),
        in_force=now < entry.expires_at,
    )

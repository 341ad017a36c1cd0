"""Facts as models: the one way in which the admin API and the command's `--json` say the same thing."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from admin_api.analysis.access import Access
from admin_api.analysis.access_changes import AccessChange, access_words
from admin_api.analysis.explanation import Explanation
from admin_api.analysis.findings import Finding
from admin_api.analysis.invariants import Violation
from admin_api.analysis.subjects import held_by
from admin_api.analysis.token_scope import TokenVerdict
from admin_api.publishing.service import Head, Plan, VersionRecord
from admin_api.schemas import models
from admin_api.schemas.places import encode_name
from admin_api.user_directory import FoundUsers
from authorizer.policy.denylist import DenylistEntry
from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import PrincipalRef

MAX_FINDINGS = 50
"""Findings and notes that the answer to a write names: `gatebook check` names all."""


def matrix_row(document: PermissionDocument, ref: PrincipalRef) -> models.MatrixRow:
    """Return what a subject may do on every route, with what everyone may."""
    words = access_words(held_by(document, ref), document.catalog)
    cells = [models.MatrixCell(route=f"{verb} {route.path}", access=access) for (verb, route), access in words.items()]
    return models.MatrixRow(subject=str(ref), delegated=document.is_delegated(ref), cells=cells)


def access_entry(access: Access) -> models.Access:
    """Return who may call which route, and by which permissions."""
    return models.Access(
        subject=access.caller,
        route=f"{access.verb} {access.route.path}",
        access=access.words,
        permissions=list(access.permissions),
        by_everyone=access.by_everyone,
        delegated=access.delegated,
    )


def api_access(api: str, version: int, found: Sequence[Access]) -> models.ApiAccess:
    """Return what a caller may call in one API."""
    return models.ApiAccess(api=api, version=version, access=[access_entry(access) for access in found])


def explanation(found: Explanation, version: int) -> models.Explanation:
    """Return why a request is allowed or denied at a version."""
    grant, delegation = found.suggested_grant, found.delegation
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
        delegation=None
        if delegation is None
        else models.Delegation(
            client=str(delegation.client),
            person_allows=delegation.person_allows,
            consent_allows=delegation.consent_allows,
            sentence=str(delegation),
        ),
        notes=list(found.notes),
    )


def access_change(change: AccessChange) -> models.AccessChange:
    """Return a change of access, with its sentence."""
    return models.AccessChange(
        subject=str(change.subject), route=change.route, before=change.before, after=change.after, sentence=str(change)
    )


def token_verdict(verdict: TokenVerdict) -> models.TokenVerdict:
    """Return a verdict on `token` scope."""
    refusal = verdict.refusal
    found = refusal.counterexample if refusal else None
    return models.TokenVerdict(
        callers_in=[str(ref) for ref in verdict.refs],
        expressible=verdict.is_expressible,
        with_guards=verdict.size is not None,
        bytes=verdict.size,
        reason=refusal.reason.value if refusal else None,
        message=refusal.message if refusal else None,
        counterexample=models.Counterexample.model_validate(dataclasses.asdict(found)) if found else None,
    )


def write_result(
    plan: Plan, head: Head | None, *, dry_run: bool, most: int | None = None, most_bytes: int | None = None
) -> models.WriteResult:
    """Return what a plan did, or would do. `head` is where the table stands after it, if it wrote anything.

    At most `most` rows and changes of access are named, and no more changes than `most_bytes` of JSON hold; both are counted in full.
    """
    base = plan.base.version if plan.base else None
    return models.WriteResult(
        api=plan.document.api,
        base_version=base,
        version=head.version if head else (base or 0) + len(plan.steps),
        hash=head.hash if head else plan.base.hash if plan.base and plan.is_empty else None,
        changed=not plan.is_empty,
        dry_run=dry_run,
        parts=len(plan.steps),
        rows=list(plan.row_changes[:most]),
        rows_in_all=len(plan.row_changes),
        rules=list(plan.rules[:most]),
        access=_as_many_as_fit(plan.access[:most], most_bytes),
        access_in_all=len(plan.access),
        token_scope=[token_verdict(verdict) for verdict in plan.verdicts] if dry_run or plan.verdicts else None,
        token_scope_in_all=plan.verdicts_in_all if dry_run or plan.verdicts else None,
        findings=[finding(each) for each in plan.bindings.findings[:MAX_FINDINGS]],
        findings_in_all=len(plan.bindings.findings),
        notes=list(plan.bindings.notes[:MAX_FINDINGS]),
    )


def _as_many_as_fit(changes: Sequence[AccessChange], most_bytes: int | None) -> list[models.AccessChange]:
    shown: list[models.AccessChange] = []
    size = 0
    for change in changes:
        told = access_change(change)
        size += len(told.model_dump_json().encode())
        if most_bytes is not None and size > most_bytes:
            break
        shown.append(told)
    return shown


def version(parts: Sequence[VersionRecord]) -> models.Version:
    """Return an entry of the history: the records of one change, the newest first; several if it was a series."""
    return models.Version(**_version_fields(parts))


def version_record(record: VersionRecord) -> models.VersionRecord:
    """Return one record with the items that it wrote."""
    touched = [models.TouchedItem(pk=each.pk, sk=each.sk, sha256=each.sha256) for each in record.touched]
    return models.VersionRecord(**_version_fields([record]), touched=touched)


def _version_fields(parts: Sequence[VersionRecord]) -> dict[str, Any]:
    newest, series, change = parts[0], parts[0].series, parts[0].denylist
    return {
        "version": newest.version,
        "time": newest.time,
        "author": newest.author,
        "on_behalf_of": newest.on_behalf_of,
        "reason": newest.reason,
        "changes": list(newest.changes),
        "hash": newest.hash,
        "parent_hash": parts[-1].parent_hash,
        "series": None
        if series is None
        else models.Series(
            id=series.id,
            parts=series.total,
            first_version=parts[-1].version,
            base_version=series.base,
            finished=series.number == series.total,
        ),
        "denylist": None
        if change is None
        else models.DenylistChange(
            kind=change.kind.value,
            value=change.value,
            expires_at=None if change.expires_at is None else format_time(change.expires_at),
        ),
    }


def finding(found: Finding) -> models.Finding:
    """Return something to see to."""
    return models.Finding(kind=found.kind, message=found.message)


def violation(found: Violation) -> models.Violation:
    """Return a broken statement and what breaks it."""
    return models.Violation(invariant=found.invariant, counter_example=found.message)


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


def found_users(found: FoundUsers) -> models.UserList:
    """Return the users that a search found."""
    users = [
        models.User(name=each.name, display_name=each.display_name, status=each.status, groups=list(each.groups)) for each in found.users
    ]
    return models.UserList(users=users, more=found.more)

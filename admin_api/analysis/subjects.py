"""Subjects as people write them, and what each holds together with everyone."""

from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef, RefKind


class SubjectSyntaxError(ValueError):
    """The text names no subject. The message says how to write one."""


def parse_subject_ref(text: str) -> PrincipalRef:
    """Return the subject that a text names: `group/guest` -> the group `guest`, `everyone` -> everyone, `everyone/foo` -> `SubjectSyntaxError`."""
    if text == str(EVERYONE):
        return EVERYONE
    kind, slash, name = text.partition("/")
    if not slash or not name or kind not in (RefKind.GROUP, RefKind.CLIENT, RefKind.SCOPE):
        raise SubjectSyntaxError(f"`{text}` is no subject: write `everyone`, `group/NAME`, `client/NAME` or `scope/NAME`")
    return PrincipalRef(RefKind(kind), name)


def held_by(document: PermissionDocument, ref: PrincipalRef) -> tuple[Permission, ...]:
    """Return what everyone holds, and what the subject holds besides. For `everyone` each permission stands once."""
    return document.permissions(EVERYONE) + (document.permissions(ref) if ref != EVERYONE else ())

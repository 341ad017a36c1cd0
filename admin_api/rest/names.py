"""Names in paths. What is not plain there is written `~` and base64url, so that no name needs percent-encoding, which two readers may read differently."""

import base64
import binascii

from admin_api.rest.problems import INVALID_REQUEST, NOT_FOUND, ProblemError
from admin_api.schemas.places import EVERYONES_NAME, encode_name
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.document import SECTIONS
from authorizer.policy.permission import EVERYONE, PrincipalRef
from authorizer.policy.problems import Problem

MAX_VALUE = 1000
"""Characters that a value of the denylist may have. A `sub` has 256 at most."""


def decode_name(text: str) -> str:
    """Return the name that a path means. Raises `ProblemError` for any spelling but the one that `encode_name` gives."""
    if not text.startswith("~"):
        name = text
    else:
        try:
            name = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            name = ""
    if not name or encode_name(name) != text:
        raise ProblemError(
            NOT_FOUND, f"`{text}` is no name: write names of `[A-Za-z0-9._-]` as they are and all others as `~` and unpadded base64url"
        )
    return name


def ref_of(kind: str, name: str) -> PrincipalRef:
    """Return the subject at `subjects/{kind}/{name}`. Raises `ProblemError`."""
    if kind == "everyone" and name == EVERYONES_NAME:
        return EVERYONE
    kinds = {section: ref_kind for ref_kind, section in SECTIONS.items()}
    if kind not in kinds:
        raise ProblemError(NOT_FOUND, f"there is no subject `{kind}/{name}`: kinds are {', '.join(kinds)}, and `everyone/{EVERYONES_NAME}`")
    return PrincipalRef(kinds[kind], decode_name(name))


def denylist_kind_of(text: str) -> DenylistKind:
    """Return the kind at `denylist/{kind}/{value}`. Raises `ProblemError`."""
    try:
        return DenylistKind(text)
    except ValueError:
        raise ProblemError(NOT_FOUND, f"the denylist has no `{text}`: it has {', '.join(DenylistKind)}") from None


def denylist_value_of(text: str) -> str:
    """Return a value to put on the denylist at `denylist/{kind}/{value}`. Raises `ProblemError`."""
    value = decode_name(text)
    if len(value) > MAX_VALUE or not value.isprintable():
        message = f"it must have {MAX_VALUE} characters at most, and none that is invisible"
        raise ProblemError(INVALID_REQUEST, "no token has such a value", [Problem("/path/value", message)])
    return value

"""What a request has to be before any route sees it: from a verified caller, and with a body that is strict JSON."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from admin_api.documents.strict_json import MAX_BYTES, MAX_DEPTH, read_json
from admin_api.publishing.lockout import Actor
from admin_api.rest.problems import BAD_REQUEST, BODY_TOO_LARGE, UNAUTHENTICATED, UNSUPPORTED_MEDIA_TYPE, ProblemError
from authorizer.policy.denylist import DenylistKind, TokenIds
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError, Problem, kind_of

PUBLIC_PATHS = frozenset({"/v1/openapi.json"})
"""Paths that hold no data and ask for no caller."""

JSON_TYPE, PATCH_TYPE = "application/json", "application/merge-patch+json"


def actor_of(event: Mapping[str, Any]) -> Actor:
    """Who calls, by the context that the authorizer gave to API Gateway. Raises `ProblemError` without one: then no authorizer stood before.

    Nothing of it is taken from headers, query or body.
    """
    context: Any = (event.get("requestContext") or {}).get("authorizer")
    if isinstance(context, Mapping) and ("groups_omitted" in context or "scopes_omitted" in context):
        raise ProblemError(
            UNAUTHENTICATED,
            "the caller is in more groups than the authorizer's context holds: sign in as somebody in fewer",
            headers={"WWW-Authenticate": "Bearer"},
        )
    try:
        subject, groups, version = context["principalId"], json.loads(context["groups"]), int(context["version"])
        scopes = json.loads(context["scopes"]) if "scopes" in context else None
        client_id = context["client_id"]
    except (TypeError, KeyError, ValueError):
        subject, groups, scopes, client_id, version = "", None, None, None, 0
    names = [*(groups or ()), *(scopes or ())] if isinstance(groups, list) and isinstance(scopes, list | None) else [None]
    if (
        not isinstance(subject, str)
        or not subject
        or version < 1
        or not isinstance(client_id, str)
        or not all(isinstance(n, str) for n in names)
    ):
        raise ProblemError(
            UNAUTHENTICATED,
            "the request came without a caller that an authorizer verified: attach the authorizer to this route",
            headers={"WWW-Authenticate": "Bearer"},
        )
    refs = [EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in groups or ())]
    if scopes is not None:
        refs += [PrincipalRef(RefKind.CLIENT, subject), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes)]
    values = {DenylistKind.SUB: subject} | ({DenylistKind.CLIENT_ID: client_id} if client_id else {})
    # When the caller signed in is not told, so an entry with `issued_before` counts as one that would refuse.
    return Actor(subject, tuple(refs), TokenIds(values, None))


def admitted(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with a body that every reader takes for the same JSON. Raises `ProblemError` for a body that is none.

    A merge patch is JSON too (RFC 7396 section 4) and is passed on as that. What comes with a GET means nothing (RFC 9110 section 9.3.1).
    """
    headers = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
    body = event.get("body")
    result = {**event, "headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    if body in (None, "") or event.get("httpMethod") == "GET":
        return {**result, "body": None}
    kind = str(headers.get("content-type", "")).split(";")[0].strip().lower()
    patch = event.get("httpMethod") == "PATCH"
    if kind != JSON_TYPE and not (patch and kind == PATCH_TYPE):
        wanted = f"`{JSON_TYPE}` or `{PATCH_TYPE}`" if patch else f"`{JSON_TYPE}`"
        raise ProblemError(UNSUPPORTED_MEDIA_TYPE, f"the body is `{kind or 'of no type'}`: send {wanted}")
    text = _text(body, encoded=event.get("isBase64Encoded") is True)
    try:
        value = read_json(text)
    except DocumentError as error:
        raise ProblemError(BAD_REQUEST, "the body is not JSON with unique names", error.problems) from None
    if _depth(value) > MAX_DEPTH:
        # Whatever reads it further in has less of the stack left than what has read it here.
        problem = Problem("", f"it is nested deeper than {MAX_DEPTH} levels")
        raise ProblemError(BAD_REQUEST, "the body is nested too deeply: no request needs that many levels", [problem])
    if not isinstance(value, dict):
        # Powertools would take the first entry of a list for the whole.
        raise ProblemError(BAD_REQUEST, "the body must be a JSON object", [Problem("", f"it must be a mapping, not {kind_of(value)}")])
    headers["content-type"] = JSON_TYPE
    result["multiValueHeaders"]["content-type"] = [JSON_TYPE]
    return {**result, "body": json.dumps(value), "isBase64Encoded": False}


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _text(body: str, *, encoded: bool) -> str:
    # Base64 is a third larger than what it holds.
    if len(body) > MAX_BYTES * (4 / 3 if encoded else 1):
        raise ProblemError(BODY_TOO_LARGE, f"the body has more than {MAX_BYTES} bytes: change some subjects at a time")
    try:
        data = base64.b64decode(body, validate=True) if encoded else body.encode("utf-8")
        text = data.decode("utf-8")
    except ValueError:
        raise ProblemError(BAD_REQUEST, "the body is not UTF-8") from None
    if len(data) > MAX_BYTES:
        raise ProblemError(BODY_TOO_LARGE, f"the body has {len(data)} bytes, more than {MAX_BYTES}: change some subjects at a time")
    return text

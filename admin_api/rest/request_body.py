"""What a body has to be before any route sees it: strict JSON that every reader takes for the same."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from admin_api.documents.strict_json import MAX_BYTES, MAX_DEPTH, read_json
from admin_api.rest.problems import BAD_REQUEST, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemError
from authorizer.policy.problems import DocumentError, Problem, kind_of

JSON_TYPE, PATCH_TYPE = "application/json", "application/merge-patch+json"


def admitted(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with a body that every reader takes for the same JSON. Raises `ProblemError` for a body that is none.

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

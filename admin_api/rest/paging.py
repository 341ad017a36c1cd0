"""Pages of lists that fit into memory: a cursor is the last entry of the page before, so that a change in between neither repeats nor skips others."""

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Query

from admin_api.rest.problems import INVALID_REQUEST, ProblemError
from authorizer.policy.problems import Problem

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=2000)]

_Entry = TypeVar("_Entry")


def page_of(
    entries: Sequence[_Entry], limit: int, cursor: str | None, key: Callable[[_Entry], Any] = str
) -> tuple[list[_Entry], str | None]:
    """Return the entries after the cursor, `limit` at most, and the cursor for the rest. `entries` are sorted by `key`, which is unique: a text, or texts.

    Raises `ProblemError` for a cursor that no page gave.
    """
    start = 0
    if cursor is not None:
        last = read_cursor(cursor)
        if not isinstance(last, str if key is str else list) or not all(isinstance(part, str) for part in last):
            raise unknown_cursor()
        # The entry may be gone: then its place in the order still tells where to go on.
        start = bisect_right(entries, last, key=key)
    page = list(entries[start : start + limit])
    more = start + limit < len(entries)
    return page, write_cursor(key(page[-1])) if more and page else None


def write_cursor(value: Any) -> str:
    """Return a cursor that says `value`."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode("ascii")


def read_cursor(text: str) -> Any:
    """Return what a cursor says. Raises `ProblemError`."""
    try:
        return json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise unknown_cursor() from None


def unknown_cursor() -> ProblemError:
    """Return the problem for a cursor that no page gave."""
    place = [Problem("/query/cursor", "no page gave this cursor")]
    return ProblemError(INVALID_REQUEST, "`cursor` must be the `next` of the page before, as it is", place)

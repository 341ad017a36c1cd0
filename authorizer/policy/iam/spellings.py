"""How clients write a claim's value into the path of a request, for policies that shall allow the value in each of these spellings.

IAM compares a Resource with the ARN character by character, and a REST API's ARN has the path as it was sent: `owners/alice@x.com` and
`owners/alice%40x.com` are two texts that mean one owner.
"""

import re
from functools import lru_cache
from urllib.parse import quote

_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_ESCAPE = re.compile(r"%[0-9A-F]{2}")

_LEFT_ALONE = ("!&'()+,;=:@", "!'()", "")
"""What encoders leave as it is besides RFC 3986's unreserved characters: those that go by what a segment may hold (section 3.3), JavaScript's
`encodeURIComponent`, and those that leave nothing, such as Python's `quote` with `safe=""`."""


def _lower_case(spelling: str) -> str:
    return _ESCAPE.sub(lambda escape: escape[0].lower(), spelling)


@lru_cache(maxsize=256)
def _spellings(value: str) -> tuple[str, ...]:
    """Return the value as it is, percent-encoded by each kind of encoder, and the same with lower-case hex. Always as many, some of them alike."""
    encoded = [quote(value, safe=kept) for kept in _LEFT_ALONE]
    return (value, *encoded, *map(_lower_case, encoded))


def spellings_of(values: dict[str, str]) -> list[dict[str, str]]:
    """Return these values in every spelling that a client writes, as they are first: `{id: a|1}` -> `a|1`, `a%7C1`, `a%7c1`.

    Every spelling decodes to the value, and IAM reads each as itself. A client writes all of one path by one encoder, so that two values stand in the same
    spelling. Any other mixture means the same and is answered when it is asked for.
    """
    if all(_UNRESERVED.fullmatch(value) for value in values.values()):
        return [values]
    spelled = {tuple(texts): None for texts in zip(*(_spellings(value) for value in values.values()), strict=True)}
    return [dict(zip(values, texts, strict=True)) for texts in spelled]

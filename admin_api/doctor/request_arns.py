"""The ARNs of requests, as patterns: what a statement of a policy may meet, and what it takes in whole.

`*` is any text, `/` too, and `?` one character ("IAM JSON policy elements: Resource", IAM user guide). For example: `.../prod/GET/pets/*` may meet
`.../prod/GET/pets/*/photos`, which stands for the route `GET /pets/{petId}/photos`, and takes it in.
"""

import re

from admin_api.doctor.deployment import Deployment
from authorizer.policy.route import RouteTemplate, SegmentKind

_WILD = "*?"
# What stands for a `*` of the ARN: of a pattern only another `*` takes it in.
_ANY_TEXT = "\0"


def request_pattern(deployment: Deployment, verb: str, route: RouteTemplate) -> str:
    """Return what the ARNs of a route's requests look like: `GET /pets/{petId}` -> `arn:aws:execute-api:...:a1b2c3d4e5/prod/GET/pets/*`."""
    return f"{deployment.arn}/{path_pattern(verb, route)}"


def path_pattern(verb: str, route: RouteTemplate) -> str:
    """Return that without what stands before the verb: `GET /pets/{petId}` -> `GET/pets/*`, `GET /` -> `GET/`."""
    return "/".join((verb, *(s.text if s.kind is SegmentKind.LITERAL else "*" for s in route.segments))) + ("" if route.segments else "/")


def may_meet(one: str, other: str) -> bool:
    """Return whether some text fits both patterns: `a/*/c` and `a/b/*` do, by `a/b/c`."""
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start] and one[start] not in _WILD:
        start += 1
    one, other = one[start:], other[start:]
    # meets[j] tells whether what is left of `one` and other[j:] have a text in common; filled from the ends.
    meets = [all(c == "*" for c in other[j:]) for j in range(len(other) + 1)]
    for i in reversed(range(len(one))):
        row = [False] * (len(other) + 1)
        row[-1] = one[i] == "*" and meets[-1]
        for j in reversed(range(len(other))):
            if "*" in (one[i], other[j]):
                row[j] = (one[i] == "*" and (meets[j] or row[j + 1])) or (other[j] == "*" and (row[j + 1] or meets[j]))
            else:
                row[j] = meets[j + 1] and (one[i] == other[j] or "?" in (one[i], other[j]))
        meets = row
    return meets[0]


def takes_in(pattern: str, other: str) -> bool:
    """Return whether every text of the second pattern is one of the first."""
    parts = (".*" if c == "*" else f"[^{_ANY_TEXT}]" if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), other.replace("*", _ANY_TEXT), re.DOTALL) is not None

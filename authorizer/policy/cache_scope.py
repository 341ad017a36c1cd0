"""What API Gateway may remember an answer under, and what an answer under each kind of key needs.

The gateway keeps an authorizer's answer under the values of its identity sources and gives it to every later request with the same values ("Enable caching
for an authorizer", API Gateway developer guide). `request`, `route` and `token` are the three kinds of key that Gatebook answers for.
"""

from collections.abc import Mapping
from enum import StrEnum
from itertools import groupby

from authorizer.policy.route import RouteTemplate, SegmentKind


class CacheScope(StrEnum):
    """What the gateway's cache key holds, and so what one answer may speak of."""

    REQUEST = "request"
    ROUTE = "route"
    TOKEN = "token"  # noqa: S105  # the word, not a secret


def can_hold(route: RouteTemplate, values: Mapping[str, str]) -> bool:
    """Return whether a policy for the whole route allows these parameter values in their own places only.

    A `*` also takes in `/`, written or encoded. So the text between two of them may be found elsewhere in a path of the same route: `*/alice/*` lets
    `bob/x/alice/` pass as well, though its second segment is not `alice`. Nothing can move what starts the path, or, in a path of known length, what ends it.

    The path of a greedy route has no known length, so that `users/alice/*` also takes in what `/users/alice%2F..%2Fbob/f` is once it is decoded: the first
    parameter of that is no `alice`. Nothing but the tail itself can be bound there.
    """
    parts = pattern_parts(route, values)
    if route.is_greedy and any(segment.kind is SegmentKind.PARAMETER and segment.text in values for segment in route.segments):
        return False
    for free, group in groupby(range(len(parts)), key=lambda index: parts[index] == "*"):
        run = list(group)
        start, end = run[0], run[-1] + 1
        if free or start == 0 or all(route.segments[index].kind is SegmentKind.LITERAL for index in run):
            continue
        if route.is_greedy or (end < len(parts) and any(_fits_at(route, at, parts[start:end]) for at in range(len(parts)) if at != start)):
            return False
    return True


def _fits_at(route: RouteTemplate, at: int, words: list[str]) -> bool:
    there = route.segments[at : at + len(words)]
    return len(there) == len(words) and all(
        s.kind is not SegmentKind.LITERAL or s.text == word for s, word in zip(there, words, strict=True)
    )


def pattern_parts(route: RouteTemplate, values: Mapping[str, str]) -> list[str]:
    return [s.text if s.kind is SegmentKind.LITERAL else values.get(s.text, "*") for s in route.segments]


class KeyPart(StrEnum):
    """What an answer that is remembered may depend on."""

    TOKEN = "token"  # noqa: S105  # the word, not a secret
    METHOD = "method"
    ROUTE = "route"
    PATH = "path"
    HOST = "host"


ALL_PARTS = frozenset(KeyPart)
"""What a key holds where nothing is remembered: then nothing can be replayed on another request."""

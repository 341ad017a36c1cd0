"""Judges whether `token` scope can express a document: for each subject, for subjects together, and for the catalogue whatever the permissions are.

For example: a caller who may `GET /pets/{petId}` and not `GET /pets/{petId}/notes` needs a Deny in the policy, since the `*` of an Allow crosses `/`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice, product, zip_longest

from authorizer.policy.decision import Grounds
from authorizer.policy.document import PermissionDocument
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.pattern_coverage import VerbRoutes, routes_of_verb
from authorizer.policy.iam.token_policy import Refusal, RefusalReason, compile_token
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.route import VERBS, RouteCatalog

MAX_COMBINATIONS = 200
"""Combinations that are looked at if nobody says otherwise: all of one group, then of two, and so on."""

_SAMPLE_ARN = MethodArn("aws", "eu-central-1", "123456789012", "a1b2c3d4e5", "prod", "GET", "")


@dataclass(frozen=True, slots=True)
class TokenVerdict:
    """What `token` scope can do for callers with exactly these refs, besides `everyone`.

    `size` is the policy's in bytes, for an ARN of usual length; None if there is none. `guarded` tells that it takes `TOKEN_SCOPE_GUARDS=1`.
    """

    refs: tuple[PrincipalRef, ...]
    size: int | None
    guarded: bool
    refusal: Refusal | None

    @property
    def is_expressible(self) -> bool:
        """Whether there is a policy that leans on no guard."""
        return self.size is not None and not self.guarded

    def __str__(self) -> str:
        who = " + ".join(map(str, self.refs)) or str(EVERYONE)
        if self.size is None:
            return f"{who}: {self.refusal.message if self.refusal else ''}"
        if self.guarded:
            return f"{who}: {self.size} bytes, but only with TOKEN_SCOPE_GUARDS=1; {self.refusal.message if self.refusal else ''}"
        return f"{who}: {self.size} bytes"


@dataclass(frozen=True, slots=True, order=True)
class RiskyTriple:
    """Three routes of which `first` and `third` cannot be allowed without `second` under a token-only key. `first` and `third` may be one."""

    verb: str
    first: str
    second: str
    third: str

    def __str__(self) -> str:
        return f"{self.verb}: {self.first} and {self.third} without {self.second}"


def caller_kinds(document: PermissionDocument, most: int = MAX_COMBINATIONS) -> Iterator[tuple[PrincipalRef, ...]]:
    """Nobody in particular, and each client, scope and group alone; then in turn each client with each scope, as machines have them, and groups in
    twos, in threes, as users have them. No more than `most`."""
    clients, scopes, groups = (sorted(r for r in document.subjects if r.kind is k) for k in (RefKind.CLIENT, RefKind.SCOPE, RefKind.GROUP))
    alone = [(), *((ref,) for ref in (*clients, *scopes, *groups))]
    users = (combination for size in range(2, len(groups) + 1) for combination in combinations(groups, size))
    together = (kind for turn in zip_longest(product(clients, scopes), users) for kind in turn if kind is not None)
    yield from islice(chain(alone, together), most)


def token_verdicts(document: PermissionDocument, kinds: Iterable[tuple[PrincipalRef, ...]], now: float) -> Iterator[TokenVerdict]:
    """Yield a verdict for each kind of caller. Claims that bindings name stand with sample values of usual length."""
    names = {b.claim for subject in document.subjects.values() for p in subject.permissions for b in p.where}
    claims = {name: f"{number:08d}-sample-0000-0000-000000000000" for number, name in enumerate(sorted(names))}
    for refs in kinds:
        permissions = tuple(dict.fromkeys(p for ref in (EVERYONE, *refs) for p in document.permissions(ref)))
        grounds = Grounds(permissions, document.catalog, claims, now)
        plain = compile_token(_SAMPLE_ARN, grounds)
        if not isinstance(plain, Refusal):
            yield TokenVerdict(refs, len(json.dumps(plain)), guarded=False, refusal=None)
            continue
        # Guards tell routes apart. Where routes are told apart already, a policy with them is the same, and so is what is wrong with it.
        is_same = plain.reason is not RefusalReason.INEXACT
        guarded = plain if is_same else compile_token(_SAMPLE_ARN, grounds, guards=True)
        size = None if isinstance(guarded, Refusal) else len(json.dumps(guarded))
        yield TokenVerdict(refs, size, guarded=size is not None, refusal=guarded if isinstance(guarded, Refusal) else plain)


def enforced_verdicts(
    document: PermissionDocument, verdicts: Sequence[TokenVerdict], now: float, on_subject: Callable[[], object] = lambda: None
) -> Iterator[TokenVerdict]:
    """Yield where `enforced: [token]` cannot be kept: of these verdicts, and of each subject alone whether it is among them or not.

    `on_subject` is called after each subject that is judged here: it may raise to stop.
    """
    if "token" not in document.enforced:
        return
    judged = {verdict.refs for verdict in verdicts}
    alone: list[tuple[PrincipalRef, ...]] = [(), *((ref,) for ref in sorted(document.subjects) if ref != EVERYONE)]
    more = token_verdicts(document, (refs for refs in alone if refs not in judged), now)
    yield from (verdict for verdict in verdicts if not verdict.is_expressible)
    for verdict in more:
        on_subject()
        if not verdict.is_expressible:
            yield verdict


def risky_triples(catalog: RouteCatalog) -> Iterator[RiskyTriple]:
    """Yield every triple of the catalogue, found as they are asked for: in a large catalogue there may be thousands."""
    for verb in VERBS:
        known = VerbRoutes(verb, routes_of_verb(catalog, verb))
        seen: set[tuple[int, int, int]] = set()
        for triple in _triples(known):
            if triple not in seen:
                seen.add(triple)
                yield RiskyTriple(verb, *(known.routes[number].path for number in triple))


def _triples(known: VerbRoutes) -> Iterator[tuple[int, int, int]]:
    for first, pattern in known.patterns.items():
        for second in known.owners(pattern) - {first}:
            for path in known.paths(pattern, frozenset({second})):
                yield from ((first, second, third) for third in known.owners(path) - {second})

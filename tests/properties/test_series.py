"""Series of random changes, judged state by state: no caller may do in between what it may do at neither end, and no reader meets a subject without its
ancestors.

The judge reads rows as the authorizer does and knows nothing of how a series is made. Orders that look right but are not are caught by it, here too.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from random import Random
from typing import Any, NamedTuple

import pytest

from admin_api.publishing.series import Step, steps
from admin_api.table import writer
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import PermissionDocument, Subject, parse_routes, parse_subject
from authorizer.policy.permission import EVERYONE, Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.request_path import Target, resolve
from authorizer.policy.route import RouteCatalog
from authorizer.table import keys
from tests.support.random_apis import OWNER, START, random_document, random_routes

ROUNDS = 500 if os.environ.get("CI") else 60
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))

CLAIMS = {"sub": OWNER, "username": "7"}
GROUPS = ("a", "b", "c", "d", "e")
GROUP_REFS = tuple(PrincipalRef(RefKind.GROUP, name) for name in GROUPS)
HOLDERS = (*GROUP_REFS, PrincipalRef(RefKind.CLIENT, "c1"))
THIRD_PARTY, *SCOPES = PrincipalRef(RefKind.CLIENT, "c2"), *(PrincipalRef(RefKind.SCOPE, name) for name in ("s1", "s2"))
REFS = (*HOLDERS, THIRD_PARTY, *SCOPES)


class Caller(NamedTuple):
    """Who asks: what the token gives, and, of a person who came through the client that may be delegated, the scopes."""

    refs: tuple[PrincipalRef, ...]
    consent: tuple[PrincipalRef, ...] | None = None

    def __str__(self) -> str:
        through = "" if self.consent is None else f" through {THIRD_PARTY} for {', '.join(map(str, self.consent))}"
        return ", ".join(map(str, self.refs)) + through


CALLERS = [Caller((EVERYONE, *chosen)) for size in range(len(HOLDERS) + 1) for chosen in combinations(HOLDERS, size)]
CALLERS += [
    Caller((EVERYONE, *chosen), consent)
    for size in (0, 1, 2)
    for chosen in combinations(GROUP_REFS, size)
    for consent in ((), (SCOPES[0],), tuple(SCOPES))
]

Rows = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    verb: str
    path: str


# -- random changes -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """Two documents of one API, and the requests that tell them apart."""

    before: PermissionDocument | None
    after: PermissionDocument
    requests: tuple[Request, ...]


def random_change(random: Random) -> Change:
    """Both ends are made of few permissions, so that often the same one is moved from one subject to another."""
    routes = random_routes(random)
    made = [random_document(random, routes)["groups"][name] for _ in range(3) for name in ("g1", "g2")]
    pool = {effect: [entry for held in made for entry in held[effect]][:6] for effect in ("allow", "deny")}
    # The same routes on other conditions are another permission.
    pool["allow"] += ["* /**", *({"route": entry["route"]} for entry in pool["allow"] if isinstance(entry, dict))]
    pool["deny"].append(random.choice(routes))
    order = random.sample(GROUPS, len(GROUPS))
    more_denies = random.choice((0.0, 0.3, 0.3))
    old = {ref: _random_subject(random, ref, pool, order, more_denies) for ref in (EVERYONE, *REFS)}
    new = {
        ref: held if random.random() < 0.4 else _edited(random, held, _random_subject(random, ref, pool, order, more_denies))
        for ref, held in old.items()
    }
    same = random.random() < 0.4
    old_routes = [r for r in routes if same or random.random() < 0.7] or routes
    new_routes = old_routes if same else [r for r in routes if random.random() < 0.7] or routes
    before = _document(old_routes, {ref: held for ref, held in old.items() if random.random() < 0.8})
    after = _document(new_routes, {ref: held for ref, held in new.items() if random.random() < 0.8})
    return Change(before if random.random() < 0.9 else None, after, tuple(_requests(routes)))


def _random_subject(random: Random, ref: PrincipalRef, pool: dict[str, list[Any]], order: list[str], denies: float) -> dict[str, Any]:
    held: dict[str, Any] = {
        "allow": [entry for entry in pool["allow"] if random.random() < 0.35],
        "deny": [entry for entry in pool["deny"] if random.random() < denies],
    }
    if ref == THIRD_PARTY:
        held["delegated"] = random.random() < 0.5
    if ref.kind is RefKind.GROUP:
        held["inherits"] = [name for name in order[order.index(ref.name) + 1 :] if random.random() < 0.35]
    return held


def _edited(random: Random, old: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: other[name] if random.random() < 0.6 else old[name] for name in old}


def _document(routes: list[str], values: dict[PrincipalRef, dict[str, Any]]) -> PermissionDocument:
    there = {ref.name for ref in values}
    subjects = {}
    for ref, value in values.items():
        parents = {"inherits": [name for name in value["inherits"] if name in there]} if "inherits" in value else {}
        subjects[ref] = parse_subject(ref, value | parents)
    enforced, catalog = parse_routes({"routes": routes})
    return PermissionDocument("x", catalog, subjects, enforced)


def _requests(routes: list[str]) -> Iterator[Request]:
    for path in sorted({route.split(" ", 1)[1] for route in routes}):
        for value in (OWNER, "7"):
            parts = [value if part.startswith("{") else part for part in path[1:].split("/")]
            yield from (Request(verb, "/".join(parts)) for verb in ("GET", "POST", "DELETE"))


# -- the judge ----------------------------------------------------------------------------------------------------------------------------------


class BreachError(Exception):
    """A state in between is not safe."""


class Judge:
    """Reads rows as the authorizer does."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._requests = tuple(requests)
        self._known: dict[tuple[str, frozenset[Permission]], frozenset[Request]] = {}

    def granted(self, rows: Rows, caller: Caller) -> frozenset[Request]:
        """What a caller may do: through a delegated client what each side may, with the denies of both. Raises `BreachError` where a reader would fail."""
        if not rows:
            return frozenset()
        own = frozenset(_load(rows, caller.refs))
        client = rows.get(keys.subject_key("x", THIRD_PARTY))
        if caller.consent is None or client is None or not _subject(THIRD_PARTY, client)[0].delegated:
            return self._allowed(rows, own)
        consented = frozenset(_load(rows, caller.consent))
        denies = {p for p in (*own, *consented, *_load(rows, (THIRD_PARTY,))) if p.effect is Effect.DENY}
        return self._allowed(rows, own | denies) & self._allowed(rows, consented | denies)

    def _allowed(self, rows: Rows, permissions: frozenset[Permission]) -> frozenset[Request]:
        content = rows[keys.routes_key("x")]
        catalog = _catalog(content)
        known = self._known.get((content, permissions))
        if known is None:
            grounds = Grounds(tuple(permissions), catalog, CLAIMS, START)
            known = self._known[content, permissions] = frozenset(
                request for request in self._requests if decide(grounds, _target(catalog, request)).allowed
            )
        return known

    def check(self, before: Rows, states: Iterable[Rows], after: Rows) -> None:
        """Raises `BreachError` unless each state grants each caller no more than one of the ends does."""
        for number, rows in enumerate(states):
            for caller in CALLERS:
                more = self.granted(rows, caller) - self.granted(before, caller) - self.granted(after, caller)
                if more:
                    raise BreachError(f"state {number} grants {sorted(map(str, more))} to {caller}")


def _load(rows: Rows, caller: Iterable[PrincipalRef]) -> Iterator[Permission]:
    for ref in caller:
        content = rows.get(keys.subject_key("x", ref))
        subject, ancestors = _subject(ref, content) if content is not None else (Subject(), ())
        yield from subject.permissions
        for name in ancestors:
            parent = PrincipalRef(RefKind.GROUP, name)
            inherited = rows.get(keys.subject_key("x", parent))
            if inherited is None:
                raise BreachError(f"{ref} inherits from {name}, of which nothing is there")
            yield from _subject(parent, inherited)[0].permissions


@lru_cache(4096)
def _subject(ref: PrincipalRef, content: str) -> tuple[Subject, tuple[str, ...]]:
    value = json.loads(content)
    return parse_subject(ref, value["held"]), tuple(value["ancestors"])


@lru_cache(64)
def _catalog(content: str) -> RouteCatalog:
    return parse_routes(json.loads(content))[1]


@lru_cache(4096)
def _target(catalog: RouteCatalog, request: Request) -> Target:
    return resolve(catalog, request.verb, request.path, None, exact=True)


def rows_of(document: PermissionDocument | None) -> dict[str, str]:
    return writer.row_contents(document) if document else {}


def written(rows: Rows, more: Mapping[str, str | None]) -> dict[str, str]:
    return {key: content for key, content in {**rows, **more}.items() if content is not None}


def replayed(before: Rows, series: Iterable[Step]) -> list[dict[str, str]]:
    states = [dict(before)]
    for step in series:
        states.append(written(states[-1], step.rows))
    return states[1:]


# -- series -------------------------------------------------------------------------------------------------------------------------------------


def changes(purpose: str, rounds: int = ROUNDS) -> Iterator[tuple[str, Random, Change]]:
    for number in range(rounds):
        random = Random(f"{SEED}{purpose}{number}")
        change = random_change(random)
        yield f"seed {SEED}, {purpose}, round {number}: {change.before} -> {change.after}", random, change


def registered(document: PermissionDocument | None) -> frozenset[PrincipalRef]:
    return frozenset(document.subjects) if document else frozenset()


def series_of(random: Random, before: PermissionDocument | None, after: PermissionDocument) -> list[Step]:
    max_bytes = random.choice((300, 10_000, 10_000))
    return steps(before, after, registered(before), max_items=random.randint(2, 5), max_bytes=max_bytes)


def test_a_series_never_grants_what_neither_end_grants() -> None:
    seen: Counter[str] = Counter()
    for story, random, change in changes("grants"):
        before, after = rows_of(change.before), rows_of(change.after)
        series = series_of(random, change.before, change.after)
        try:
            Judge(change.requests).check(before, replayed(before, series), after)
        except BreachError as breach:
            pytest.fail(f"{breach}; {story}")
        seen["steps"] += len(series)
        seen["longest"] = max(seen["longest"], len(series))
    assert seen["steps"] > 2 * ROUNDS, seen
    assert seen["longest"] > 5, seen


def test_an_unfinished_series_goes_on_or_back_or_elsewhere_as_safely() -> None:
    for story, random, change in changes("resumed", ROUNDS // 2):
        series = series_of(random, change.before, change.after)
        if len(series) < 2:
            continue
        middle = random.choice(series[:-1]).document
        known = registered(change.before) | registered(change.after)
        ends = [change.after] + ([change.before] if change.before else [])
        limits = rows_of(change.before), rows_of(change.after)
        for end in ends:
            rest = steps(middle, end, known, max_items=random.randint(2, 5), max_bytes=10_000)
            states = replayed(rows_of(middle), rest)
            assert states[-1:] == [rows_of(end)] or not rest, story
            try:
                Judge(change.requests).check(limits[0], states, limits[1])
            except BreachError as breach:
                pytest.fail(f"{breach} on the way from {middle} to {end}; {story}")


def test_each_state_is_a_document_and_the_last_one_is_the_one_asked_for() -> None:
    for story, random, change in changes("documents", 5 * ROUNDS):
        before, max_items = rows_of(change.before), random.randint(2, 5)
        known = registered(change.before)
        series = steps(change.before, change.after, known, max_items=max_items, max_bytes=10_000)
        for step, old, new in zip(series, [before, *replayed(before, series)], replayed(before, series), strict=False):
            assert rows_of(step.document) == new, story
            assert {ref: parse_subject(ref, json.loads(new[keys.subject_key("x", ref)])["held"]) for ref in step.document.subjects} == dict(
                step.document.subjects
            ), story
            assert step.rows, story
            assert all(old.get(key) != content for key, content in step.rows.items()), f"nothing is written that is there: {story}"
            assert len(step.rows) + len(step.new_subjects) <= max_items, story
            assert step.new_subjects == registered(step.document) - known, story
            known |= step.new_subjects
        assert rows_of(series[-1].document if series else change.before) == rows_of(change.after), story
        assert not series or series[-1].document == change.after, story


def test_what_the_same_subject_grants_at_both_ends_is_granted_throughout() -> None:
    seen = 0
    for story, random, change in changes("kept", ROUNDS // 2):
        if change.before is None:
            continue
        before, after = change.before, change.after
        states = replayed(rows_of(before), series_of(random, before, after))
        judge = Judge(change.requests)
        for caller in random.sample([caller for caller in CALLERS if caller.consent is None], 10):
            lasting = {request for request in change.requests if _is_lasting(before, after, caller, request)}
            for rows in states:
                assert lasting <= judge.granted(rows, caller), f"{caller} loses {lasting - judge.granted(rows, caller)}; {story}"
            seen += len(lasting) * len(states)
    assert seen > ROUNDS


def _is_lasting(before: PermissionDocument, after: PermissionDocument, caller: Caller, request: Request) -> bool:
    found = []
    for document in (before, after):
        target = _target(document.catalog, request)
        permissions = tuple(p for ref in caller.refs for p in document.permissions(ref))
        decision = decide(Grounds(permissions, document.catalog, CLAIMS, START), target)
        # Only a caller's subject that has the holder as ancestor at both ends counts, not one that loses it while another gains it.
        by = (
            {(ref, p) for ref in caller.refs for p in document.permissions(ref) if p in decision.determining} if decision.allowed else set()
        )
        found.append((str(target.route), by))
    return found[0][0] == found[1][0] and bool(found[0][1] & found[1][1])


# -- orders that look right ---------------------------------------------------------------------------------------------------------------------


def by_key(old: Rows, new: Rows) -> list[str]:
    return sorted({*old, *new})


def catalogue_last(old: Rows, new: Rows) -> list[str]:
    return sorted({*old, *new}, key=lambda key: (key.endswith("#routes"), key))


def denies_first(old: Rows, new: Rows) -> list[str]:
    return sorted({*old, *new}, key=lambda key: (not key.endswith("#routes"), '"deny"' not in new.get(key, ""), key))


def removals_first(old: Rows, new: Rows) -> list[str]:
    return sorted({*old, *new}, key=lambda key: (key in new, len(new.get(key, "")), key))


@pytest.mark.parametrize("order", [by_key, catalogue_last, denies_first, removals_first])
def test_writing_final_rows_in_a_plain_order_is_caught(order: Any) -> None:
    breaches = 0
    for _, _, change in changes(order.__name__, 40):
        if change.before is None:
            continue
        before, after = rows_of(change.before), rows_of(change.after)
        states = [before]
        for key in order(before, after):
            states.append(written(states[-1], {key: after.get(key)}))
        try:
            Judge(change.requests).check(before, states, after)
        except BreachError:
            breaches += 1
    assert breaches > 5

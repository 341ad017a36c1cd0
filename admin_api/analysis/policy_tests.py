"""Policy tests: whether a document answers as somebody wrote down that it shall, what the tests look at, and which permissions none of them needs.

`policy_test_notation` reads the tests. Each is judged by `decide`, on the same grounds as `explain`, which also says why an answer is another than expected.
A request that belongs to no route fails, unless the test demands that reason: a misspelt path is denied too, and would prove nothing.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from admin_api.analysis.access_changes import NOTHING, access_words, describe_access
from admin_api.analysis.explanation import explain_to, grounds_of
from admin_api.analysis.near_route import find_target, near_routes
from admin_api.analysis.policy_test_notation import Caller, CompleteList, PolicyTests, Request, split_request
from admin_api.analysis.subjects import held_by
from admin_api.analysis.trusted_issuers import NOT_KNOWN, Bearer, RefusedTokenError, TrustedIssuers, bearer_of
from authorizer.policy.decision import Decision, Grounds, allowed_values, applicable, decide
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef, RefKind, decoded_segment
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.problems import Problem, ProblemList
from authorizer.policy.request_path import Target, Unroutable
from authorizer.policy.route import RouteTemplate, SegmentKind

PUBLIC = "public"
"""What a matrix has in the cells of a public route, and what a request of one gets: the gateway asks no authorizer."""

_MAX_NEAR = 3
_ROUTE = "route"

_Cell = tuple[str, RouteTemplate]
_Single = dict[tuple[str, RouteTemplate | None], list[tuple[Target, str, str]]]
"""By verb and route the requests of a complete list, each with its path and its place."""

AskedCell = tuple[PrincipalRef, str, RouteTemplate]
"""A subject, a verb and a route that a test asked about."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer beside the one that was expected. `matrix_line` is the line of the golden file for a cell of it, 0 for other cases.

    `details` say of a case that failed what decided.
    """

    test: str
    caller: str
    request: str
    expected: str
    got: str
    passed: bool
    pointer: str
    matrix_line: int = 0
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What became of one suite. `asked` and `needed` are for `coverage`: needed is a permission without which a case that passes would fail."""

    cases: tuple[Case, ...]
    asked: frozenset[AskedCell]
    needed: frozenset[Permission]

    @property
    def failures(self) -> tuple[Case, ...]:
        """Return the cases that failed."""
        return tuple(case for case in self.cases if not case.passed)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What tests look at: of `cells`, each route for each subject, those that no test asked about, and the permissions that no test needs."""

    cells: int
    unasked: tuple[str, ...]
    permissions: int
    unneeded: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Return how many of a hundred cells were asked about."""
        return percent_of(self.cells - len(self.unasked), self.cells)


def percent_of(part: int, whole: int) -> float:
    """Return how many of a hundred: 1 of 4 -> 25.0, none of none -> 100.0."""
    return 100.0 * part / whole if whole else 100.0


@dataclass(frozen=True, slots=True)
class _Asker:
    """A caller with the token that it would have, and the subjects of the document that it stands for: everyone where it has nothing else."""

    caller: Caller
    bearer: Bearer
    subjects: tuple[PrincipalRef, ...]


def problems_beside(tests: PolicyTests, document: PermissionDocument, trusted: TrustedIssuers = NOT_KNOWN) -> list[Problem]:
    """Return what is wrong with a suite beside its document: callers that no token can have or that it does not know, and lists of no route."""
    reader = ProblemList()
    for caller in tests.callers.values():
        try:
            bearer = bearer_of(caller.claims, caller.refs, trusted)
        except RefusedTokenError as error:
            reader.report(caller.pointer, f"caller `{caller.name}`: {error}")
            continue
        if not caller.may_be_unknown:
            for message in _unknown(bearer, document):
                reader.report(caller.pointer, f"caller `{caller.name}`: {message}; `unknown: true` says that this is meant")
    for complete in tests.complete:
        for text, pointer in complete.entries:
            if not _selected(document, text) and (message := _why_no_route(document, text)):
                reader.report(pointer, message)
    return reader.problems


def _unknown(bearer: Bearer, document: PermissionDocument) -> Iterator[str]:
    """Yield what would make every denial of a caller worth nothing: that its name is misspelt. Tokens of people have clients and scopes of no permission."""
    others = [ref for ref in bearer.refs if ref.kind not in (RefKind.GROUP, RefKind.EVERYONE)]
    for ref in bearer.refs:
        if ref.kind is RefKind.GROUP and ref not in document.subjects:
            yield f"the document has no {ref}"
    if others and not any(ref in document.subjects for ref in others):
        yield f"the document has none of {', '.join(map(str, others))}"


def _why_no_route(document: PermissionDocument, text: str) -> str:
    """Return why an entry means no route of the catalogue, and what is close; "" if it does."""
    try:
        method, path = split_request(text)
    except ValueError:
        return f"`{text}` means no route of the catalogue"
    target = find_target(document.catalog, method, path)
    if target.route is not None:
        return ""
    near = "; ".join(miss.message for miss in near_routes(document.catalog, method, path, target.problem))
    return f"`{text}` means no route of the catalogue" + (f": {near}" if near else ": add the route under `routes` or correct the entry")


def run_suite(
    tests: PolicyTests, document: PermissionDocument, now: float, golden: str | None = None, trusted: TrustedIssuers = NOT_KNOWN
) -> SuiteResult:
    """Judge every test of a suite of which `problems_beside` found nothing. `golden` is the text of its matrix, None if there is no such file."""
    return _Run(tests, document, now if tests.at is None else tests.at, trusted).result(golden)


def coverage(document: PermissionDocument, results: Iterable[SuiteResult]) -> Coverage:
    """Return what the suites of one document look at together. Routes that are public and clients' consent aside, each verb of a route counts for itself."""
    asked: set[AskedCell] = set()
    needed: set[Permission] = set()
    for result in results:
        asked |= result.asked
        needed |= result.needed
    subjects = _subjects(document)
    cells = [(ref, verb, route) for verb, route in document.catalog.cells if not route.public for ref in subjects]
    permissions = [p for ref in subjects for p in document.subjects[ref].permissions]
    return Coverage(
        cells=len(cells),
        unasked=tuple(f"{ref} {verb} {route.path}" for ref, verb, route in cells if (ref, verb, route) not in asked),
        permissions=len(permissions),
        unneeded=tuple(p.id for p in permissions if p not in needed),
    )


def format_matrix(document: PermissionDocument) -> str:
    """Return who may call what as CSV: a line for each verb of a route, a column for each subject with what everyone may."""
    return "".join(",".join(map(_quoted, row)) + "\n" for row in _matrix(document))


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",\n\r') else cell


def _matrix(document: PermissionDocument) -> list[list[str]]:
    subjects = [EVERYONE, *(ref for ref in _subjects(document) if ref != EVERYONE)]
    words = [access_words(held_by(document, ref), document.catalog) for ref in subjects]
    rows = [[_ROUTE, *(f"{ref} (delegated)" if document.is_delegated(ref) else str(ref) for ref in subjects)]]
    for verb, route in document.catalog.cells:
        rows.append([f"{verb} {route.path}", *(PUBLIC if route.public else each.get((verb, route), NOTHING) for each in words)])
    return rows


def _subjects(document: PermissionDocument) -> list[PrincipalRef]:
    return sorted(document.subjects)


def _selected(document: PermissionDocument, text: str) -> tuple[_Cell, ...]:
    try:
        return document.catalog.cells_of(text)
    except ValueError:
        return ()


class _Run:
    """One suite as it is judged. What was asked and needed is gathered on the way."""

    def __init__(self, tests: PolicyTests, document: PermissionDocument, now: float, trusted: TrustedIssuers) -> None:
        self._tests, self._document, self._now = tests, document, now
        self._askers = {name: self._asker(caller, trusted) for name, caller in tests.callers.items()}
        self._grounds: dict[tuple[str, float], Grounds] = {}
        self._asked: set[AskedCell] = set()
        self._needed: set[Permission] = set()

    def result(self, golden: str | None) -> SuiteResult:
        """Return what became of it."""
        cases = [*self._listed(), *self._complete()]
        if self._tests.matrix:
            cases += self._golden(golden)
        return SuiteResult(tuple(cases), frozenset(self._asked), frozenset(self._needed))

    def _asker(self, caller: Caller, trusted: TrustedIssuers) -> _Asker:
        bearer = bearer_of(caller.claims, caller.refs, trusted)
        known = tuple(ref for ref in (*bearer.refs, *bearer.consent) if ref in self._document.subjects and ref != EVERYONE)
        return _Asker(caller, bearer, known or (EVERYONE,))

    def _grounds_of(self, asker: _Asker, now: float) -> Grounds:
        key = asker.caller.name, now
        if key not in self._grounds:
            grounds = grounds_of(asker.bearer, self._document, now)
            held = grounds.permissions
            # A complete list asks about every route of the catalogue: an index pays.
            self._grounds[key] = grounds._replace(permissions=held if isinstance(held, CallerPermissions) else CallerPermissions.of(held))
        return self._grounds[key]

    def _listed(self) -> Iterator[Case]:
        for test in self._tests.tests:
            now = self._now if test.at is None else test.at
            for asker in (self._askers[name] for name in test.callers):
                for request in test.requests:
                    target = find_target(self._document.catalog, request.method, request.path)
                    yield self._judge(test.name or "tests", asker, request, target, now)

    def _complete(self) -> Iterator[Case]:
        for complete in self._tests.complete:
            asker = self._askers[complete.caller]
            for request, target in self._requests_of(complete, asker):
                yield self._judge("only", asker, request, target, self._now)

    def _requests_of(self, complete: CompleteList, asker: _Asker) -> Iterator[tuple[Request, Target]]:
        """Yield what decides whether a list is complete: every route with values that mean nothing, and with those that would let the caller in."""
        listed, single = self._entries(complete)
        grounds = self._grounds_of(asker, self._now)
        for verb, route in self._document.catalog.cells:
            values = _values_of_nobody(route, grounds)
            if route.public:
                continue
            if (verb, route) in listed:
                yield _asked(verb, route, values, listed[verb, route], allowed=True)
                continue
            of_route = single.get((verb, route), [])
            for target, path, pointer in of_route:
                yield Request(verb, path, True, pointer), target
            if route.parameters or not of_route:
                yield _asked(verb, route, values, complete.pointer, allowed=False)
            for meant in _ways_in(grounds, verb, route):
                if not any(_has(target, meant) for target, _, _ in of_route):
                    yield _asked(verb, route, {**values, **meant}, complete.pointer, allowed=False)

    def _entries(self, complete: CompleteList) -> tuple[dict[_Cell, str], _Single]:
        """Return the routes that a list allows whatever their parameters are, and the requests of others, each with its place."""
        listed: dict[_Cell, str] = {}
        single: _Single = {}
        for text, pointer in complete.entries:
            cells = _selected(self._document, text)
            for cell in cells:
                listed.setdefault(cell, pointer)
            if not cells:
                method, path = split_request(text)
                target = find_target(self._document.catalog, method, path)
                single.setdefault((method, target.route), []).append((target, path, pointer))
        return listed, single

    def _judge(self, test: str, asker: _Asker, request: Request, target: Target, now: float) -> Case:
        grounds = self._grounds_of(asker, now)
        decision = decide(grounds, target)
        got, passed = _verdict(request, decision)
        route = decision.route
        if route is not None and not route.public:
            self._asked.update((ref, request.method, route) for ref in asker.subjects)
            judged = decision.determining if passed else ()
            self._needed.update(p for p in judged if p not in self._needed and _is_needed(p, request, grounds, target, route))
        return Case(
            test=test,
            caller=asker.caller.name,
            request=str(request),
            expected=f"deny ({request.reason})" if request.reason else "allow" if request.allowed else "deny",
            got=got,
            passed=passed,
            pointer=request.pointer,
            details=() if passed else tuple(self._why(asker.bearer, request, decision, now)),
        )

    def _why(self, bearer: Bearer, request: Request, decision: Decision, now: float) -> Iterator[str]:
        if decision.route is not None and decision.route.public:
            yield f"the catalogue has `{decision.route}` as public: the gateway asks no authorizer, and everybody may"
            return
        found = explain_to(bearer, self._document, request.method, request.path, now)
        yield str(found)
        if decision.route is None and not request.allowed and not request.reason:
            yield f"a denied path of no route proves nothing: correct it, or demand `{{request: {request}, reason: {decision.reason}}}`"
        if found.delegation is not None:
            yield str(found.delegation)
        yield from found.notes
        if request.allowed:
            yield from (miss.message for miss in found.near_misses[:_MAX_NEAR])
            if found.suggested_grant is not None:
                yield f"to allow it: {found.suggested_grant}"

    def _golden(self, golden: str | None) -> Iterator[Case]:
        rows = _matrix(self._document)
        subjects = _subjects(self._document)
        self._asked.update((ref, verb, route) for verb, route in self._document.catalog.cells if not route.public for ref in subjects)
        if golden is None:
            remedy = f"there is no file `{self._tests.matrix}`: `gatebook test --update` writes it"
            yield Case("matrix", "", "", "a golden file", "none", False, "/matrix", details=(remedy,))
            return
        differences = list(_differences(rows, golden))
        if differences:
            yield from differences
            return
        self._needed.update(p for p in self._in_the_matrix if p not in self._needed)
        yield Case("matrix", "", "", f"{len(rows) - 1} routes", f"{len(rows) - 1} routes", True, "/matrix")

    @cached_property
    def _in_the_matrix(self) -> frozenset[Permission]:
        """The permissions without which a cell of their own holder's would say something else."""
        needed = set()
        for ref in self._document.subjects:
            said: dict[_Cell, list[Permission]] = {}
            for permission in held_by(self._document, ref):
                for cell in self._document.catalog.cells_of(permission.selector):
                    said.setdefault(cell, []).append(permission)
            for permission in self._document.subjects[ref].permissions:
                for verb, route in self._document.catalog.cells_of(permission.selector):
                    others = [p for p in said[verb, route] if p != permission]
                    if not route.public and describe_access(others, verb, route) != describe_access(said[verb, route], verb, route):
                        needed.add(permission)
                        break
        return frozenset(needed)


def _verdict(request: Request, decision: Decision) -> tuple[str, bool]:
    """Return what a request gets, in words, and whether that was expected."""
    if decision.route is not None and decision.route.public:
        return PUBLIC, request.allowed
    if decision.allowed:
        return "allow", request.allowed
    is_routed = decision.reason not in list(Unroutable)
    passed = not request.allowed and (request.reason == decision.reason if request.reason else is_routed)
    return f"deny ({decision.reason})", passed


def _is_needed(permission: Permission, request: Request, grounds: Grounds, target: Target, route: RouteTemplate) -> bool:
    """Return whether a request would no longer get what is expected without a permission: `decide` is asked again, with all others that mean the route."""
    denies, allows = applicable(grounds, target.verb, route)
    own, *consent = ([p for p in side if p != permission] for side in allows)
    # Of the denies it does not matter on which side they stand.
    own += [p for p in denies if p != permission]
    rest = CallerPermissions.of(own, consent[0]) if consent else tuple(own)
    return not _verdict(request, decide(grounds._replace(permissions=rest), target))[1]


def _asked(verb: str, route: RouteTemplate, values: Mapping[str, str], pointer: str, *, allowed: bool) -> tuple[Request, Target]:
    """Return a request of a route with these values. It is sent to this route whatever else may serve its path: the list is about the route."""
    path = route.path
    for name, value in values.items():
        path = path.replace(f"{{{name}+}}", f"{value}/and/more").replace(f"{{{name}}}", value)
    given = {
        s.text: f"{values[s.text]}/and/more" if s.kind is SegmentKind.GREEDY else values[s.text] for s in route.segments if s.text in values
    }
    return Request(verb, path, allowed, pointer), Target(verb, route, given)


def _values_of_nobody(route: RouteTemplate, grounds: Grounds) -> dict[str, str]:
    """Return a value for each parameter that no claim of the caller has and no other route has for a word: `{petId}` -> `any-petId`."""
    claims = set(grounds.claims.values())
    values = {}
    for name in route.parameters:
        value = f"any-{name}"
        while value in claims or value in grounds.catalog.reserved_words(route).get(name, ()):
            value += "-x"
        values[name] = value
    return values


def _ways_in(grounds: Grounds, verb: str, route: RouteTemplate) -> Iterator[dict[str, str]]:
    """Yield the values of parameters with which the caller is allowed a route if nothing denies it, but for where any will do."""
    _, sides = applicable(grounds, verb, route)
    for values in allowed_values(sides, grounds, route):
        if values:
            yield dict(values)


def _has(target: Target, values: Mapping[str, str]) -> bool:
    return all(decoded_segment(target.parameters.get(name, "")) == value for name, value in values.items())


def _differences(rows: list[list[str]], golden: str) -> Iterator[Case]:
    """Yield each cell that a golden file has otherwise, with its line, and each line and column that one has and the other lacks."""
    kept = list(csv.reader(golden.splitlines()))
    header = kept[0] if kept else []
    lines = {row[0]: (number, row) for number, row in enumerate(kept[1:], 2) if row}
    subjects = rows[0][1:]
    columns = {name: place for place, name in enumerate(header)}
    for name in (each for each in header[1:] if each not in subjects):
        yield _cell_case(name, "", "a column", "no such subject", 1)
    for name in (each for each in subjects if each not in columns):
        yield _cell_case(name, "", "no such column", "a subject of the document", 1)
    for request, *cells in rows[1:]:
        number, row = lines.pop(request, (0, []))
        if not number:
            yield _cell_case("", request, "no such line", "a route of the catalogue", 1)
            continue
        for subject, got in zip(subjects, cells, strict=True):
            expected = row[columns[subject]] if columns.get(subject, len(row)) < len(row) else None
            if subject in columns and expected != got:
                yield _cell_case(subject, request, expected or "an empty cell", got, number)
    for request, (number, _) in lines.items():
        yield _cell_case("", request, "a line", "no route of the catalogue", number)


def _cell_case(subject: str, request: str, expected: str, got: str, line: int) -> Case:
    remedy = "if this is meant, `gatebook test --update` writes the file again"
    return Case("matrix", subject, request, expected, got, False, "/matrix", line, (remedy,))

"""How policy tests are written: who asks what, and what the answer shall be, read with every mistake and its place.

    document: dev.yaml
    callers:
      guest: {groups: [guest]}
    tests:
      - caller: guest
        allow: [GET /pets/7]
        deny: [DELETE /pets/7, {request: GET /cars, reason: no_route}]
    only:
      guest: [GET /pets, "GET /pets/{petId}"]
    matrix: petstore.matrix.csv

A request is what a client sends, so that `GET /pets/{petId}` is none; under `only` it may be a selector as well. `policy_tests` runs them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from admin_api.analysis.subjects import parse_subject_ref
from authorizer.policy.decision import Reason
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import ProblemList, child, kind_of
from authorizer.policy.request_path import Unroutable
from authorizer.policy.route import WEBSOCKET, parse_selector

FIELDS = ("document", "api", "at", "callers", "tests", "only", "matrix")
REASONS = (Reason.IMPLICIT_DENY, Reason.EXPLICIT_DENY, Reason.NOT_CONSENTED, Unroutable.NO_ROUTE, Unroutable.UNSAFE_PATH)
"""Why a request can be denied, as a test may demand it."""

_TEST_FIELDS = ("name", "caller", "at", "allow", "deny")
_CALLER_FIELDS = ("groups", "client", "scopes", "claims", "unknown")
_METHOD = re.compile(r"[A-Z]{1,32}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([Zz]|[+-]\d\d:[0-5]\d)")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: what its token says. `may_be_unknown` tells that the document need not know it."""

    name: str
    refs: tuple[PrincipalRef, ...]
    claims: Mapping[str, object]
    pointer: str
    may_be_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request and what the answer shall be; `reason` is empty if any will do. With `WS` as method, `path` is a route key."""

    method: str
    path: str
    allowed: bool
    pointer: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """What several callers shall be answered, each for itself, at a moment (epoch seconds), None for that of the file."""

    name: str
    callers: tuple[str, ...]
    requests: tuple[Request, ...]
    at: int | None


@dataclass(frozen=True, slots=True)
class CompleteList:
    """All that a caller shall be allowed: selectors and requests, each with its place."""

    caller: str
    entries: tuple[tuple[str, str], ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """One suite: the tests of one document. `document` and `matrix` are paths of files as they were written; `matrix` is empty if there is none."""

    document: str
    api: str
    at: int | None
    callers: Mapping[str, Caller]
    tests: tuple[PolicyTest, ...]
    complete: tuple[CompleteList, ...]
    matrix: str


def parse_policy_tests(value: object) -> PolicyTests:
    """Read one suite. Raises `DocumentError` with every problem."""
    reader = ProblemList()
    fields = reader.mapping(value, "", "a file of policy tests", FIELDS)
    document = reader.text(fields.get("document"), "/document", "`document`, the file that is tested,") or ""
    api = _optional_text(reader, fields, "", "api")
    at = _moment(reader, fields, "")
    callers = _read_callers(reader, fields.get("callers"))
    tests = _kept(_read_test(reader, item, at_, callers) for at_, item in reader.items(fields.get("tests"), "/tests", "`tests`"))
    complete = _read_complete(reader, fields.get("only"), callers)
    matrix = _optional_text(reader, fields, "", "matrix")
    if fields and not reader.problems and not (tests or complete or matrix):
        reader.report("", "the file tests nothing: add `tests`, `only` or `matrix`")
    reader.raise_if_any()
    return PolicyTests(document, api, at, callers, tuple(tests), tuple(complete), matrix)


def _read_callers(reader: ProblemList, value: object) -> dict[str, Caller]:
    named = {} if value is None else reader.mapping(value, "/callers", "`callers`")
    return {name: _read_caller(reader, name, body, child("/callers", name)) for name, body in named.items()}


def _read_caller(reader: ProblemList, name: str, body: object, pointer: str) -> Caller:
    fields = {} if body is None else reader.mapping(body, pointer, f"caller `{name}`", _CALLER_FIELDS)
    refs = [PrincipalRef(RefKind.GROUP, each) for each in _texts(reader, fields, pointer, "groups", "a group's name")]
    client = _optional_text(reader, fields, pointer, "client")
    refs += [PrincipalRef(RefKind.CLIENT, client)] if client else []
    refs += [PrincipalRef(RefKind.SCOPE, each) for each in _texts(reader, fields, pointer, "scopes", "a scope")]
    claims = reader.mapping(fields["claims"], f"{pointer}/claims", "`claims`") if fields.get("claims") is not None else {}
    unknown = fields.get("unknown", False)
    if not isinstance(unknown, bool):
        reader.report(f"{pointer}/unknown", f"`unknown` must be true or false, not {kind_of(unknown)}")
    return Caller(name, tuple(refs), claims, pointer, unknown is True)


def _read_test(reader: ProblemList, item: object, pointer: str, callers: dict[str, Caller]) -> PolicyTest | None:
    fields = reader.mapping(item, pointer, "a test", _TEST_FIELDS)
    if not isinstance(item, dict):
        return None
    name, at = _optional_text(reader, fields, pointer, "name"), _moment(reader, fields, pointer)
    named: list[tuple[str, Any]] = [(child(pointer, "caller"), fields.get("caller"))]
    if isinstance(fields.get("caller"), list):
        named = reader.items(fields["caller"], child(pointer, "caller"), "`caller`")
    who = _kept(_known_caller(reader, each, place, callers) for place, each in named)
    if not named:
        reader.report(child(pointer, "caller"), "`caller` is empty: name at least one of `callers`")
    requests = [
        *_kept(
            _read_request(reader, each, place, allowed=True)
            for place, each in reader.items(fields.get("allow"), f"{pointer}/allow", "`allow`")
        ),
        *_kept(
            _read_request(reader, each, place, allowed=False)
            for place, each in reader.items(fields.get("deny"), f"{pointer}/deny", "`deny`")
        ),
    ]
    if not fields.get("allow") and not fields.get("deny"):
        reader.report(pointer, "the test asks nothing: add `allow` or `deny` with requests such as `GET /pets/7`")
    return PolicyTest(name, tuple(who), tuple(requests), at)


def _known_caller(reader: ProblemList, value: object, pointer: str, callers: dict[str, Caller]) -> str | None:
    """Return the name of a caller. A subject such as `group/guest` is one that needs no entry under `callers`."""
    name = reader.text(value, pointer, "`caller`")
    if name is None or name in callers:
        return name
    try:
        ref = parse_subject_ref(name)
    except ValueError:
        known = ", ".join(f"`{each}`" for each in callers) or "none"
        reader.report(pointer, f"there is no caller `{name}`: the callers are {known}; or write a subject, as in `group/{name}`")
        return None
    callers[name] = Caller(name, () if ref == EVERYONE else (ref,), {}, pointer)
    return name


def _read_request(reader: ProblemList, item: object, pointer: str, *, allowed: bool) -> Request | None:
    fields: dict[str, Any] = {"request": item}
    place = pointer
    if isinstance(item, dict):
        fields, place = reader.mapping(item, pointer, "a request", ("request",) if allowed else ("request", "reason")), f"{pointer}/request"
    reason = fields.get("reason")
    if reason is not None and reason not in REASONS:
        reader.report(f"{pointer}/reason", f"`{reason}` is no reason of a denial: use {', '.join(f'`{each}`' for each in REASONS)}")
    split = reader.parsed(split_request, fields.get("request"), place, "a request")
    if split is None:
        return None
    method, path = split
    if "{" in path and method != WEBSOCKET:
        reader.report(place, f"`{path}` is a template, and clients send paths: put values in its place, as in `/pets/7`")
    return Request(method, path, allowed, place, str(reason or ""))


def split_request(text: str) -> tuple[str, str]:
    """Return method and path of a request: `GET /pets/7` -> `GET`, `/pets/7`. Raises `ValueError`."""
    method, _, path = text.partition(" ")
    path = path.strip()
    if method == WEBSOCKET and path:
        return method, path
    if not _METHOD.fullmatch(method) or not path.startswith("/"):
        raise ValueError(f"`{text}` is no request: write a method in capitals and a path, as in `GET /pets/7`")
    if "?" in path:
        raise ValueError(f"`{text}` has a query string, which decides nothing: take it out")
    return method, path


def _read_complete(reader: ProblemList, value: object, callers: dict[str, Caller]) -> list[CompleteList]:
    complete = []
    for name, entries in ({} if value is None else reader.mapping(value, "/only", "`only`")).items():
        pointer = child("/only", name)
        if _known_caller(reader, name, pointer, callers) is None:
            continue
        found = []
        for place, entry in reader.items(entries, pointer, f"what `{name}` may"):
            text = reader.parsed(_entry, entry, place, "a route or a request")
            found += [] if text is None else [(text, place)]
        complete.append(CompleteList(name, tuple(found), pointer))
    return complete


def _entry(text: str) -> str:
    """Return a selector or a request as it was written. Raises `ValueError`."""
    try:
        parse_selector(text)
    except ValueError:
        split_request(text)
    return text


def _texts(reader: ProblemList, fields: Mapping[str, Any], pointer: str, name: str, what: str) -> list[str]:
    return _kept(reader.text(item, place, what) for place, item in reader.items(fields.get(name), child(pointer, name), f"`{name}`"))


def _optional_text(reader: ProblemList, fields: Mapping[str, Any], pointer: str, name: str) -> str:
    return "" if fields.get(name) is None else reader.text(fields[name], child(pointer, name), f"`{name}`") or ""


def _moment(reader: ProblemList, fields: Mapping[str, Any], pointer: str) -> int | None:
    return None if fields.get("at") is None else reader.parsed(_seconds, fields["at"], child(pointer, "at"), "`at`")


def _seconds(text: str) -> int:
    try:
        if _MOMENT.fullmatch(text):
            return int(datetime.fromisoformat(text.upper()).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"`{text}` is no moment: write date, time and zone as in `2026-12-01T00:00:00Z`")


def _kept(items: Iterable[_Item | None]) -> list[_Item]:
    return [item for item in items if item is not None]

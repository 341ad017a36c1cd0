"""What answers and requests look like. Whatever leaves the admin API is held against these, and the OpenAPI document is made of them."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# Control characters, line and paragraph separators, and what changes the direction of text (Unicode Standard Annex 9).
_VISIBLE = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+$"

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _written_out(value: object) -> object:
    """A number would be taken for seconds or for milliseconds, as it happens to be large."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("write date, time and zone as in `2026-12-01T00:00:00Z`")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_VISIBLE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=_VISIBLE)]
Moment = Annotated[datetime, BeforeValidator(_written_out)]


class Answer(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(extra="forbid")


class Request(BaseModel):
    """Base of all requests: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True)


class UnfinishedSeries(Answer):
    """A change in several versions that stopped in between. Publish its document again to go on, or roll back to `base_version`."""

    id: str
    part: int
    parts: int
    base_version: int


class ApiSummary(Answer):
    """One API and its newest version."""

    name: str
    version: int
    hash: str


class ApiList(Answer):
    """A page of APIs. `next` is the cursor of the next page."""

    apis: list[ApiSummary]
    next: str | None = None


class ApiDetail(ApiSummary):
    """One API, who changed it last, whether a change is unfinished, and whether the caller may change its document."""

    updated_at: str
    author: str
    reason: str
    enforced: list[str]
    routes: int
    unfinished: UnfinishedSeries | None = None
    writable: bool


class AccessChange(Answer):
    """What a change does to one subject on one route."""

    subject: str
    route: str
    before: str
    after: str
    sentence: str


class Counterexample(Answer):
    """Paths that no policy under the token alone keeps apart: whatever allows `allowed` also allows `denied`, and what denies that, `also_allowed`.

    Each is the one before with `fresh` characters overwritten. `routes` own them, in this order.
    """

    verb: str
    allowed: str
    denied: str
    also_allowed: str | None
    routes: list[str]
    fresh: str


class TokenVerdict(Answer):
    """Whether one policy for all routes can be remembered under the token alone, for callers in these groups."""

    callers_in: list[str]
    expressible: bool
    with_guards: bool
    bytes: int | None
    reason: str | None = None
    message: str | None
    counterexample: Counterexample | None = None


class WriteResult(Answer):
    """What a write did, or would do. `parts` are the versions that it takes. Of long lists the beginning is shown, `..._in_all` counts them: combinations that
    `token_scope` lacks were not judged for lack of time.

    `base_version` is what was published before, null for the first document. `rules` tell which rules come and go. `flushed` are the stages of API Gateway
    whose remembered answers were dropped. `findings` name what of the document never lets anybody pass, given the issuers that are known, `notes` what does
    so for some callers only.
    """

    api: str
    base_version: int | None
    version: int
    hash: str | None
    changed: bool
    dry_run: bool
    parts: int
    rows: list[str]
    rows_in_all: int
    rules: list[str] = []
    access: list[AccessChange]
    access_in_all: int
    token_scope: list[TokenVerdict] | None = None
    token_scope_in_all: int | None = None
    flushed: list[str] = []
    findings: list["Finding"] = []
    findings_in_all: int = 0
    notes: list[str] = []


class Held(Answer):
    """What a subject holds by itself. `delegated` is told of delegated clients alone."""

    delegated: bool = Field(default=False, exclude_if=lambda delegated: not delegated)
    inherits: list[str] = []
    allow: list[Any] = []
    deny: list[Any] = []


class Subject(Answer):
    """One subject. `ancestors` are all groups that it inherits from, `place` is where it is below `subjects/`."""

    kind: str
    name: str
    place: str
    held: Held
    ancestors: list[str]


class SubjectSummary(Answer):
    """One subject of a list."""

    kind: str
    name: str
    place: str
    allows: int
    denies: int
    inherits: list[str]


class SubjectList(Answer):
    """A page of subjects."""

    version: int
    subjects: list[SubjectSummary]
    next: str | None = None


class Routes(Answer):
    """The catalogue."""

    enforced: list[str] = []
    routes: list[Any]


class DenylistChange(Answer):
    """An entry of the denylist that was written, or removed if it has no end."""

    kind: str
    value: str
    expires_at: str | None


class Series(Answer):
    """The versions that one large change took."""

    id: str
    parts: int
    first_version: int
    base_version: int
    finished: bool


class Version(Answer):
    """One change. Of a large one `version` is the newest part."""

    version: int
    time: str
    author: str
    on_behalf_of: str | None
    reason: str
    changes: list[str]
    hash: str
    parent_hash: str
    series: Series | None = None
    denylist: DenylistChange | None = None


class TouchedItem(Answer):
    """An item of the table that a version wrote, by its keys, and the SHA-256 of what was written."""

    pk: str
    sk: str
    sha256: str


class VersionRecord(Version):
    """One version as the table holds it, each part of a large change by itself. `hash` covers what `touched` lists."""

    touched: list[TouchedItem]


class VersionList(Answer):
    """A page of the history, newest first. Each record was held against the hash that the one after it names, also from page to page: from the newest version
    down to `verified_down_to` the chain is unbroken. A broken one is answered with the problem `damaged`, which names the version."""

    versions: list[Version]
    verified_down_to: int
    next: str | None = None


class VersionDetail(Version):
    """One change and the whole document after it."""

    document: dict[str, Any]


class Diff(Answer):
    """What differs between two versions: the rules, which every page has, and a page of the access, by subject and route."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)

    from_version: Annotated[int, Field(alias="from")]
    to_version: Annotated[int, Field(alias="to")]
    rules: list[str] = []
    access: list[AccessChange]
    next: str | None = None


class Verification(Answer):
    """What `gatebook log --verify` found: the places that were `damaged`, and the version that has the expected hash."""

    api: str
    version: int
    hash: str
    damaged: list[str]
    expected_at: int | None


class BackedUp(Answer):
    """What `gatebook backup` wrote of one API: the version that it was at, and how many items."""

    api: str
    version: int
    hash: str
    items: int


class Restored(Answer):
    """What `gatebook restore` did with one API, or would do, and the version of the table after it.

    `way` is `new`, `present` (nothing was to do, or items were put back), `continued` (the backup's versions follow the table's), or `published` (the backup's
    document became the table's next version). `denials` counts entries of the denylist that were put back by `published`; it is part of the others.
    """

    api: str
    way: str
    version: int
    hash: str | None
    dry_run: bool
    denials: int


class Finding(Answer):
    """Something in a document to see to."""

    kind: str
    message: str


class Violation(Answer):
    """A statement that a document breaks, and by what."""

    invariant: str
    counter_example: str


class CheckReport(Answer):
    """What `gatebook check` says of one document. `enforced` are callers for whom an enforced `token` scope cannot be kept, `notes` are no mistakes."""

    api: str
    violations: list[Violation]
    findings: list[Finding]
    enforced: list[str]
    token_scope: list[TokenVerdict]
    risky_triples: list[str]
    more_risky_triples: bool
    notes: list[str] = []


class MatrixCell(Answer):
    """What one subject, with everyone's permissions, may do on one route."""

    route: str
    access: str


class MatrixRow(Answer):
    """One subject. Routes on which nothing is permitted or denied are left out. Of a `delegated` client it is what the client's own tokens may."""

    subject: str
    delegated: bool = False
    cells: list[MatrixCell]


class Matrix(Answer):
    """A page of the matrix, by subject."""

    version: int
    rows: list[MatrixRow]
    next: str | None = None


class DocumentMatrix(Answer):
    """The matrix of a document that is not published, all of its subjects."""

    api: str
    rows: list[MatrixRow]


class Access(Answer):
    """A subject that may call a route. `by_everyone`: everyone may as much. `delegated`: it is a delegated client, which may by its own tokens."""

    subject: str
    route: str
    access: str
    permissions: list[str]
    by_everyone: bool
    delegated: bool = False


class AccessList(Answer):
    """A page of who may call what."""

    version: int
    access: list[Access]
    next: str | None = None


class ApiAccess(Answer):
    """What a caller may call in one API, at that API's newest version."""

    api: str
    version: int
    access: list[Access]


class AccessInAllApis(Answer):
    """What a caller may call in each API of a table. APIs in which that is nothing have an empty list. `subjects` is all that the caller is."""

    subjects: list[str]
    apis: list[ApiAccess]


class ExplainRequest(Request):
    """A request to the guarded API as somebody would make it, and what that somebody's token says.

    With groups, or claims of a person, `clients` and `scopes` are what the person came through and has consented to.
    """

    method: Text
    path: Annotated[str, StringConstraints(max_length=2000)]
    groups: list[Name] = Field(default=[], max_length=100)
    clients: list[Name] = Field(default=[], max_length=10)
    scopes: list[Name] = Field(default=[], max_length=100)
    claims: dict[str, Any] = {}


class NearMiss(Answer):
    """One thing that stood between the request and an allow."""

    kind: str
    message: str


class SuggestedGrant(Answer):
    """An entry that would allow the request, for `allow` of the subject."""

    subject: str
    entry: str
    note: str


class Delegation(Answer):
    """What both sides say of a request through a delegated client. One of each has to allow it, and none may deny it."""

    client: str
    person_allows: bool
    consent_allows: bool
    sentence: str


class Explanation(Answer):
    """A decision and what is behind it.

    `delegation` is there for a person who came through a delegated client. `notes` tell what was taken for granted about the token's issuer.
    """

    version: int
    allowed: bool
    reason: str
    sentence: str
    route: str | None
    parameters: dict[str, str]
    determining: list[str]
    unknown: list[str]
    near_misses: list[NearMiss]
    more_subjects: int
    suggested_grant: SuggestedGrant | None
    why_no_grant: str | None
    delegation: Delegation | None = None
    notes: list[str] = []


class DenylistRequest(Request):
    """Which tokens are refused from now on. With `issued_before` whoever signs in after that moment may come back."""

    model_config = ConfigDict(extra="forbid", strict=False)

    reason: Text
    expires_at: Moment
    issued_before: Moment | None = None


class DenylistEntry(Answer):
    """An entry of the denylist."""

    kind: str
    value: str
    place: str
    reason: str
    author: str
    version: int
    expires_at: str
    issued_before: str | None
    in_force: bool


class User(Answer):
    """One user of the pool, and all groups. `display_name` is there where the user name does not tell who it is; `status` is Cognito's, or `DISABLED`."""

    name: str
    display_name: str | None
    status: str
    groups: list[str]


class UserList(Answer):
    """The users that a search found, by name. `more` tells that there are others: send more of the name."""

    users: list[User]
    more: bool


class Denylist(Answer):
    """A page of the denylist."""

    entries: list[DenylistEntry]
    next: str | None = None


class DenylistResult(Answer):
    """What a change of the denylist did, or would do. `flushed` are the stages of API Gateway whose remembered answers were dropped."""

    api: str
    version: int
    changed: bool
    dry_run: bool
    flushed: list[str]
    entry: DenylistEntry | None = None


class PlaceInRequest(Answer):
    """A mistake and its place in what was sent (JSON Pointer, RFC 6901)."""

    pointer: str
    message: str


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    problems: list[PlaceInRequest] | None = None
    current_version: int | None = None
    changes: list[str] | None = None


DryRun = Literal["true", "false"]


class NotTakenItem(BaseModel):
    """Something of a source that the imported document does not say."""

    place: str
    reason: str


class ImportResult(BaseModel):
    """A document made of what a team already has. `not_taken` is what of it the document does not say."""

    document: dict[str, Any]
    not_taken: list[NotTakenItem]
    notes: list[str]


class PolicyTestCase(BaseModel):
    """One answer beside the one that was expected. `place` is a file and a line; `details` say of a case that failed what decided."""

    test: str
    caller: str
    request: str
    expected: str
    got: str
    passed: bool
    place: str
    details: list[str]


class PolicyTestSuite(BaseModel):
    """The tests of one document."""

    file: str
    document: str
    api: str
    passed: int
    failed: int
    cases: list[PolicyTestCase]


class PolicyTestCoverage(BaseModel):
    """What tests look at: each route for each subject, and the permissions that some test needs."""

    document: str
    api: str
    cells: int
    asked: int
    percent: float
    unasked: list[str]
    permissions: int
    unneeded: list[str]


class PolicyTestReport(BaseModel):
    """What became of policy tests, and what they look at."""

    passed: int
    failed: int
    percent: float
    suites: list[PolicyTestSuite]
    coverage: list[PolicyTestCoverage]


class DriftItem(BaseModel):
    """One difference between a document and what is deployed. `place` is where in the source, `line` where in the document's file."""

    kind: str
    severity: str
    route: str
    message: str
    place: str
    line: int


class DriftResult(BaseModel):
    """What differs between a document and what is deployed. `compared` is the number of deployed routes."""

    api: str
    source: str
    differences: list[DriftItem]
    notes: list[str]
    compared: int


class DoctorFinding(BaseModel):
    """One thing that is wrong with a deployment. `about` names it as AWS does, `remedy` says what to do."""

    severity: Literal["error", "warning"]
    about: str
    message: str
    remedy: str


class DoctorCheck(BaseModel):
    """One check. Without findings all is well, or what it needs could not be read."""

    name: str
    looks_at: str
    findings: list[DoctorFinding]


class DoctorUnread(BaseModel):
    """Something of a deployment that could not be read, and the permission that it needs."""

    what: str
    reason: str
    needs: str


class DoctorResult(BaseModel):
    """What every check said of a deployed API. `authorizer` is the id of the Lambda authorizer that was looked at."""

    api_id: str
    stage: str
    kind: Literal["rest", "http", "websocket"]
    authorizer: str
    checks: list[DoctorCheck]
    unread: list[DoctorUnread]


class ImportResults(BaseModel):
    """One document for each API of a source that has several."""

    apis: list[ImportResult]


class RoleDifference(BaseModel):
    """A request about which IAM roles and the document do not agree. `roles` are those that an identity pool may give to a member of all the groups."""

    groups: list[str]
    roles: list[str]
    route: str
    request: str
    allowed_by: Literal["role", "document"]


class RolesImportResult(ImportResult):
    """A document made of IAM roles, with one request for each route where it differs from them."""

    differences: list[RoleDifference]

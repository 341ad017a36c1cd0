"""How many bytes the authorizer writes to its log and reads from its table, counted from what the code itself makes of a reference document.

The document has 100 routes, 20 groups of 30 permissions each, and two permissions for everyone. An integration test publishes it and compares the items in the
table with those here.
"""

import json
import os
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any
from unittest.mock import patch

from admin_api.analysis.access_changes import access_changes
from admin_api.table.version_record import Authorship, Base, new_record
from admin_api.table.writer import row_contents, version_fields
from authorizer import events
from authorizer.answering import Answering, AnswerOptions, Caller, Outcome
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.decision import Grounds
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.request_log import Metric, RequestLog, request_ids
from authorizer.table import keys
from authorizer.table.cache import LoadedPermissions
from authorizer.table.items import SCHEMA, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.records import Head
from authorizer.tokens.claims import Principal
from tests.support.events import rest_request_event

API = "petstore"
ROUTES = [
    f"{verb} /service{number}/items{tail}"
    for number in range(25)
    for verb, tail in (("GET", ""), ("POST", ""), ("GET", "/{id}"), ("DELETE", "/{id}"))
]
GROUPS = 20
PERMISSIONS_OF_A_GROUP = 30
AUTHOR = "arn:aws:sts::111122223333:assumed-role/deploy/pipeline"
REASON = "the quarterly review of permissions"
NOW = 1_795_398_612.345

_TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
_REQUEST = "77777777-0000-4000-8000-000000000007"
_PLATFORM_LINES = (
    f"START RequestId: {_REQUEST} Version: $LATEST\n"
    f"END RequestId: {_REQUEST}\n"
    f"REPORT RequestId: {_REQUEST}\tDuration: 2.15 ms\tBilled Duration: 3 ms\tMemory Size: 512 MB\tMax Memory Used: 96 MB\t\n"
)
"""What Lambda writes for each invocation in its text format ("Log and monitor Python Lambda functions", developer guide)."""


_FUNCTION = "petstore-RequestAuthorizer-Ab3dEfGh1jKl"
"""As long as CloudFormation makes names."""

_EVENT = rest_request_event("GET", "/service1/items/1042", "/service1/items/{id}")


class _Context:
    aws_request_id = _REQUEST


@dataclass(frozen=True, slots=True)
class LogLines:
    """Bytes that one invocation leaves in the log.

    `decision` is the authorizer's line, metrics included; `counts` is what it writes in its place where `LOG_ALLOWED` leaves it out; `platform` is
    what Lambda writes. `metrics` is how many custom metrics one API can have: its metrics times the sets of dimensions that the line names.
    """

    decision: int
    counts: int
    platform: int
    metrics: int


@dataclass(frozen=True, slots=True)
class ItemSizes:
    """Bytes of the items that an authorizer reads: `record` is of the version that changed one group, `registry` the sum of all its entries."""

    head: int
    record: int
    registry: int
    routes: int
    group: int


def group(number: int) -> str:
    """Return the name of a group of the reference document."""
    return f"team-{number}"


def reference_document(groups: int = GROUPS, *, shift: int = 0) -> dict[str, Any]:
    """Return the reference document as plain values. `shift` gives the first group other routes, as one edit would."""
    held = {
        group(n): {"allow": [ROUTES[(7 * n + k + (0 if n else shift)) % len(ROUTES)] for k in range(PERMISSIONS_OF_A_GROUP)]}
        for n in range(groups)
    }
    return {"api": API, "routes": ROUTES, "everyone": {"allow": ROUTES[:2]}, "groups": held}


@lru_cache(maxsize=1)
def log_lines() -> LogLines:
    """Return what one allowed request of a member of three groups leaves in the log, in `route` scope, with the trace id that Lambda sets."""
    outcome = _answered()
    ids = request_ids(_EVENT, _Context())
    log, quiet = RequestLog(API, _FUNCTION), RequestLog(API, _FUNCTION, allowed_share=0)
    with patch.dict(os.environ, {"_X_AMZN_TRACE_ID": _TRACE}):
        with redirect_stdout(StringIO()) as printed:
            log.decided(outcome, ids, stale_keys=False, head_age=0)
        with redirect_stdout(StringIO()) as counted:
            quiet.decided(outcome, ids, stale_keys=False, head_age=0)
    line = printed.getvalue()
    sets = sum(len(told["Dimensions"]) for told in json.loads(line)["_aws"]["CloudWatchMetrics"])
    return LogLines(len(line.encode()), len(counted.getvalue().encode()), len(_PLATFORM_LINES.encode()), len(Metric) * sets)


def _answered() -> Outcome:
    document = parse_document(reference_document())
    refs = (EVERYONE, *(PrincipalRef(RefKind.GROUP, group(n)) for n in range(3)))
    request = events.read_request(_EVENT)
    principal = Principal(
        subject="5f2c8a14-70d1-4e0b-9c55-0123456789ab",
        refs=refs,
        claims={},
        groups=tuple(group(n) for n in range(3)),
        issuer="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI",
        client_id="5example2client3id",
        jti=None,
        origin_jti=None,
        issued_at=None,
        auth_time=None,
        expires_at=int(NOW) + 3600,
    )
    held = CallerPermissions.of(p for ref in refs for p in document.subjects[ref].permissions)
    loaded = LoadedPermissions(42, "0" * 64, document.catalog, held, cached=True, stale=False)
    caller = Caller(principal, loaded, Grounds(held, document.catalog, {}, NOW))
    answering = Answering(AnswerOptions(CacheScope.ROUTE))
    ruling = answering.rule(request, caller)
    return Outcome(answering.answer(caller, ruling), principal, loaded, ruling)


@lru_cache(maxsize=8)
def item_sizes(groups: int = GROUPS) -> ItemSizes:
    """Return the sizes for the reference document with so many groups, after an edit of one of them."""
    before, after = (parse_document(reference_document(groups, shift=shift)) for shift in (0, 1))
    rows = row_contents(after)
    changed = _row(keys.subject_key(API, PrincipalRef(RefKind.GROUP, group(0))), rows, version=2)
    record = new_record(
        API, Base(Head(1, "0" * 64), None), [changed], Authorship(AUTHOR, REASON), tuple(map(str, access_changes(before, after))), NOW
    )
    version = VersionItem(**version_fields(API, record))
    head = HeadItem(pk=keys.api_key(API), sk=keys.HEAD, schema=SCHEMA, version=2, hash=record.hash, updated_at=record.time)
    entries = [
        RegistryItem(pk=keys.api_key(API), sk=keys.registry_sort_key(ref), schema=SCHEMA, kind=ref.kind.value, name=ref.name)
        for ref in after.subjects
    ]
    return ItemSizes(
        head=item_bytes(head),
        record=item_bytes(version),
        registry=sum(map(item_bytes, entries)),
        routes=item_bytes(_row(keys.routes_key(API), rows, version=1)),
        group=item_bytes(changed),
    )


def _row(key: str, rows: dict[str, str], *, version: int) -> RowItem:
    return RowItem(pk=key, sk=keys.number(version), schema=SCHEMA, content=rows[key])


def item_bytes(item: TableItem) -> int:
    """Return the bytes that DynamoDB bills for an item."""
    return stored_bytes(item.serialize())


def stored_bytes(item: dict[str, dict[str, Any]]) -> int:
    """Return the bytes of an item in DynamoDB's notation, which has texts and numbers only.

    A name and a text have their UTF-8 bytes; a number has one byte for two significant digits and one more ("DynamoDB item sizes and formats").
    """
    return sum(len(name.encode()) + _value_bytes(*value.items()) for name, value in item.items())


def _value_bytes(typed: tuple[str, Any]) -> int:
    kind, value = typed
    return len(value.encode()) if kind == "S" else (len(value.lstrip("-").strip("0")) + 1) // 2 + 1

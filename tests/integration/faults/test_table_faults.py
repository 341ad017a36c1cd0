"""A table that cannot tell: 500 and never an answer made from it, what is loaded flows within its bound and not beyond, and all is well again by itself."""

import time
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind
from tests.integration.faults.conftest import GUEST, LASTING, OWNER, READ_SECONDS, STRANGER, Cold, case, effect, some
from tests.integration.faults.hosts import Cut, KeyHost, TableHost, within
from tests.integration.gates import DOCUMENT, Gate, bearer, build_gate, is_401, request_event, trouble
from tests.support.aws_calls import Answer, AwsCalls, Call, answer, error
from tests.support.clock import Clock
from tests.support.issuer import NOW, Issuer
from tests.support.tables import TABLE, Table, open_table, opened, publish

PARTITION, V1, V2 = "api#petstore", "000000000001", "000000000002"
ENDPOINT = {"endpoint_url": "https://dynamodb.test/"}

# Each with the attempts that one read makes, and the word for it in the log.
FAULTS: dict[str, tuple[Answer, int, str]] = {
    "silence": (ReadTimeoutError(**ENDPOINT), 2, "ReadTimeoutError"),
    "throttled": (error("ThrottlingException"), 2, "ThrottlingException"),
    "500": (error("InternalServerError", 500), 2, "InternalServerError"),
    "access denied": (error("AccessDeniedException"), 1, "AccessDeniedException"),
    "no connection": (ConnectTimeoutError(**ENDPOINT), 2, "ConnectTimeoutError"),
    "nobody listens": (EndpointConnectionError(**ENDPOINT, error="refused"), 2, "EndpointConnectionError"),
    "reset in the middle": (ConnectionClosedError(**ENDPOINT), 2, "ConnectionClosedError"),
    "503": (answer(b"<html>", 503), 2, "503"),
    "throughput exceeded": (error("ProvisionedThroughputExceededException"), 2, "ProvisionedThroughputExceededException"),
    "limit of requests": (error("RequestLimitExceeded"), 2, "RequestLimitExceeded"),
    "table missing": (error("ResourceNotFoundException"), 1, "ResourceNotFoundException"),
    "expired credentials": (error("ExpiredTokenException"), 1, "ExpiredTokenException"),
}

REVOKED = DOCUMENT.replace('guest: {allow: ["GET /pets/{petId}"]}', "guest: {}")
CHANGED = REVOKED.replace("GET /files/list]", "GET /files/list, GET /new]") + '  banned: {deny: ["* /**"]}\n'
BANNED = request_event(bearer("owner", "banned", **LASTING), verb="POST")
"""A request that the first version allows and `CHANGED` denies."""


def out_of_table(gate: Gate, word: str, event: dict[str, Any] = GUEST) -> None:
    """The call ends as 500, and the log names table and cause."""
    line = trouble(gate, event)
    assert line["reason"] == "dynamodb_unavailable"
    assert f"table `{TABLE}` cannot be read: {word}" in line["exception"]


def stale(gate: Gate, event: dict[str, Any]) -> str:
    """The answer to a call, which log and metrics must call stale."""
    answered = effect(gate, event)
    assert gate.line["stale"] is True
    assert gate.counted == {"allowed" if answered == "Allow" else "denied": 1, "stale": 1}
    return answered


def fresh(gate: Gate, event: dict[str, Any]) -> str:
    """The answer to a call, which nothing must call stale."""
    answered = effect(gate, event)
    assert gate.line["stale"] is False
    assert gate.counted == {"allowed" if answered == "Allow" else "denied": 1}
    return answered


def stale_per_look(gate: Gate, wire: AwsCalls, *answers: tuple[dict[str, Any], str]) -> None:
    """All calls of one interval are stale, and the first alone asks the table."""
    wire.take()
    for number, (event, answered) in enumerate(answers * 2):
        assert stale(gate, event) == answered
        assert bool(wire.take()) == (number == 0)


def test_a_cold_authorizer_without_table_fails_and_tries_with_each_request(
    cold: Cold, keys: KeyHost, wire: AwsCalls, pauses: list[float]
) -> None:
    for name, (fault, attempts, word) in some(FAULTS, 4).items():
        gate = cold()
        pauses.clear()
        with case(name):
            wire.rule = lambda _, fault=fault: fault
            for _ in range(2):
                out_of_table(gate, word)
                assert wire.operations() == ["GetItem"] * attempts
            assert len(pauses) == 2 * (attempts - 1)
            assert len(keys.take()) == 1
            wire.rule = None
        assert fresh(gate, GUEST) == "Allow"


def test_loaded_permissions_serve_five_minutes_and_not_longer(gate: Gate, wire: AwsCalls, clock: Clock, pauses: list[float]) -> None:
    for name, (fault, attempts, word) in some(FAULTS, 4).items():
        clock.advance(10)
        loaded_at = clock.now
        pauses.clear()
        with case(name):
            # What the fault before has left is nothing.
            assert (fresh(gate, GUEST), fresh(gate, STRANGER)) == ("Allow", "Deny")
            wire.take()
            wire.rule = lambda _, fault=fault: fault
            for age, asked in ((10, True), (19.9, False), (20, True), (300, True)):
                clock.now = loaded_at + age
                assert (stale(gate, GUEST), stale(gate, STRANGER)) == ("Allow", "Deny")
                assert wire.operations() == ["GetItem"] * attempts * asked
            clock.now = loaded_at + 300.1
            for _ in range(2):
                out_of_table(gate, word)
                assert wire.operations() == ["GetItem"] * attempts
            assert len(pauses) == 5 * (attempts - 1)
            wire.rule = None


def test_within_the_bound_a_table_that_is_back_is_seen_at_the_next_look(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    effect(gate, GUEST)
    wire.rule = lambda _: FAULTS["throttled"][0]
    clock.now = NOW + 10
    assert stale(gate, GUEST) == "Allow"
    wire.rule = None
    publish(REVOKED)
    clock.now = NOW + 19.9
    assert stale(gate, GUEST) == "Allow"
    clock.now = NOW + 20
    assert fresh(gate, GUEST) == "Deny"


def test_what_was_revoked_during_an_outage_is_gone_with_it(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    """Neither the call that ends the outage nor one that fails may look back."""
    effect(gate, GUEST)
    publish(REVOKED)
    wire.rule = lambda _: FAULTS["500"][0]
    clock.now = NOW + 301
    out_of_table(gate, "InternalServerError")
    wire.rule = None
    assert fresh(gate, GUEST) == "Deny"
    wire.rule = lambda _: FAULTS["500"][0]
    clock.now = NOW + 602
    out_of_table(gate, "InternalServerError")


def test_callers_who_are_not_loaded_fail_while_others_flow(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    effect(gate, GUEST)
    wire.take()
    wire.rule = lambda _: FAULTS["throttled"][0]
    for _ in range(2):
        out_of_table(gate, "ThrottlingException", OWNER)
        assert wire.operations() == ["Query"] * 2
        assert fresh(gate, GUEST) == "Allow"
        assert wire.operations() == []
    wire.rule = None
    assert fresh(gate, OWNER) == "Allow"


def test_the_bound_is_looked_at_when_a_call_begins(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    """So an answer may be as much older as that call waits."""
    effect(gate, GUEST)

    def rule(_: Call) -> Answer:
        clock.advance(3)
        return FAULTS["silence"][0]

    wire.rule = rule
    clock.now = NOW + 299
    assert stale(gate, GUEST) == "Allow"
    assert clock.now == NOW + 305
    out_of_table(gate, "ReadTimeoutError")


def test_after_a_slow_failure_the_whole_interval_passes(
    published: Table, keys: KeyHost, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it does for key sets: otherwise each request waits for a timeout of its own."""
    gate = build_gate(keys, clock, capsys, POLICY_REFRESH_SECONDS="5")
    effect(gate, GUEST)

    def rule(_: Call) -> Answer:
        clock.advance(2.5)
        return FAULTS["silence"][0]

    wire.rule = rule
    clock.advance(5)
    assert stale(gate, GUEST) == "Allow"
    wire.take()
    assert stale(gate, GUEST) == "Allow"
    assert wire.operations() == []


def test_during_an_outage_grants_and_tokens_end_on_time_and_the_denylist_holds(
    table: Table, keys: KeyHost, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = "{route: GET /pets, until: '2027-01-15T08:02:00Z'}"  # NOW + 120
    publish(f"{{api: petstore, routes: [GET /pets], groups: {{guest: {{allow: [{ends}]}}}}}}")
    PermissionService(opened(), clock, wait=lambda _: None).add_entry(
        "petstore", DenylistKind.SUB, "u6", author="a", reason="stolen", expires_at=NOW + 10_000
    )
    gate = build_gate(keys, clock, capsys)
    guest = request_event(bearer("guest", **LASTING))
    assert fresh(gate, guest) == "Allow"
    wire.rule = lambda _: FAULTS["500"][0]
    clock.now = NOW + 119
    assert stale(gate, guest) == "Allow"
    assert is_401(gate.fail(request_event(bearer("guest", sub="u6", **LASTING))))
    assert gate.line["reason"] == "denylisted"
    assert is_401(gate.fail(request_event(bearer("guest", exp=NOW + 119))))
    assert gate.line["reason"] == "expired"
    clock.now = NOW + 120
    assert stale(gate, guest) == "Deny"


def numbered(wire: AwsCalls, number: int, fault: Answer) -> list[str]:
    """From here on one read fails, however often it is attempted. The list is what was read, with its attempts."""
    read: list[str] = []
    failing: list[dict[str, Any]] = []

    def rule(call: Call) -> Answer:
        read.append(call.operation)
        if len(read) == number + 1:
            failing.append(call.body)
        return fault if call.body in failing else None

    wire.rule = rule
    return read


def test_a_look_that_fails_at_any_of_its_reads_changes_nothing(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    """Half of a new version would be a document that nobody wrote."""
    reads = ["head", "records", "a subject", "routes", "registry"]
    effect(gate, GUEST)
    for number, name in enumerate(reads):
        before = effect(gate, GUEST)
        publish((DOCUMENT if number % 2 else REVOKED).replace("]\nev", f", GET /new{number}]\nev") + f"  late{number}: {{}}\n")
        with case(name):
            read = numbered(wire, number, FAULTS["500"][0])
            clock.advance(10)
            assert stale(gate, GUEST) == before
            assert len(read) == number + 2
            assert gate.line["version"] == number + 1
            wire.rule = None
            clock.advance(10)
            assert fresh(gate, GUEST) != before
            assert gate.line["version"] == number + 2


def test_a_cold_start_that_fails_at_any_of_its_reads_is_no_answer(cold: Cold, wire: AwsCalls) -> None:
    reads = ["head", "record", "registry", "routes", "everyone", "guest"]
    for number, name in enumerate(reads):
        gate = cold()
        with case(name):
            read = numbered(wire, number, FAULTS["500"][0])
            out_of_table(gate, "InternalServerError")
            assert len(read) == number + 2
            wire.rule = None


@pytest.mark.parametrize("name", ["silence", "throttled"])
def test_a_read_that_succeeds_at_the_second_attempt_is_no_trouble(gate: Gate, wire: AwsCalls, name: str) -> None:
    seen: list[dict[str, Any]] = []

    def rule(call: Call) -> Answer:
        seen.append(call.body)
        return FAULTS[name][0] if seen.count(call.body) == 1 else None

    wire.rule = rule
    assert fresh(gate, GUEST) == "Allow"
    assert len(wire.take()) == 2 * 6


GARBAGE = [*((number, b"{}") for number in range(6)), *((2, body) for body in (b"<html>", b"", b"[]", b'{"Items": []}'))]
"""Which read of a cold start is answered by what; the third is that of the registry, which could be taken for one without subjects."""


def test_an_answer_of_dynamodb_that_is_none_is_trouble(cold: Cold, wire: AwsCalls) -> None:
    for number, body in GARBAGE:
        gate = cold()
        with case(f"{number} {body!r}"):
            read = numbered(wire, number, answer(body))
            trouble(gate, GUEST)
            assert len(read) == number + 1
            wire.rule = None


def test_an_answer_of_dynamodb_that_is_none_does_not_end_what_is_loaded(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    effect(gate, GUEST)
    publish(REVOKED)
    numbered(wire, 1, answer(b"{}"))
    clock.advance(10)
    assert stale(gate, GUEST) == "Allow"


# What a change wrote, and how it is seen that it has not arrived yet.
LATE = {
    "the registry": ((PARTITION, "subject#group/banned"), "lagging_row"),
    "the record": ((PARTITION, f"version#{V2}"), "lagging_row"),
    "the catalogue": ((f"{PARTITION}#routes", V2), "lagging_row"),
    "a known subject": ((f"{PARTITION}#subject#group/guest", V2), "lagging_row"),
    "a new subject": ((f"{PARTITION}#subject#group/banned", V2), "lagging_row"),
}


def test_these_are_all_items_of_that_change(published: Table) -> None:
    before = published.items()
    publish(CHANGED)
    after = published.items()
    written = {key for key in after if after[key] != before.get(key)}
    assert written == {(PARTITION, "head"), *(key for key, _ in LATE.values())}


@pytest.mark.parametrize("item", [name for name in LATE if name != "a new subject"])
def test_a_head_that_is_ahead_of_an_item_is_not_followed(cold: Cold, published: Table, wire: AwsCalls, clock: Clock, item: str) -> None:
    key, reason = LATE[item]
    warm = cold()
    assert fresh(warm, BANNED) == "Allow"
    publish(CHANGED)
    missing = published.get(*key)
    published.delete(*key)
    assert trouble(cold(), BANNED)["reason"] == reason
    for age in (10, 300):
        clock.now = NOW + age
        stale_per_look(warm, wire, (BANNED, "Allow"))
        assert warm.line["version"] == 1
    clock.now = NOW + 301
    assert trouble(warm, BANNED)["reason"] == reason
    published.put(missing)
    assert (fresh(warm, BANNED), warm.line["version"]) == ("Deny", 2)
    assert (fresh(cold(), BANNED), warm.line["version"]) == ("Deny", 2)


def test_a_new_subject_whose_row_is_not_there_yet_fails_for_its_callers_alone(
    cold: Cold, published: Table, wire: AwsCalls, clock: Clock
) -> None:
    """Nobody here held it before, so there is nothing to fall back on: the rest of the new version is whole."""
    key, reason = LATE["a new subject"]
    warm = cold()
    fresh(warm, BANNED)
    publish(CHANGED)
    missing = published.get(*key)
    published.delete(*key)
    clock.now = NOW + 10
    for gate in (warm, cold()):
        clock.now = NOW + 10
        assert trouble(gate, BANNED)["reason"] == reason
        wire.take()
        assert trouble(gate, BANNED)["reason"] == reason
        assert wire.operations() == ["Query"]
        assert (fresh(gate, OWNER), gate.line["version"]) == ("Allow", 2)
    published.put(missing)
    assert fresh(warm, BANNED) == "Deny"


def test_a_kill_switch_that_does_not_show_yet_is_not_passed_over(cold: Cold, published: Table, wire: AwsCalls, clock: Clock) -> None:
    warm = cold()
    assert fresh(warm, GUEST) == "Allow"
    PermissionService(opened(), clock, wait=lambda _: None).add_entry(
        "petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=NOW + 10_000
    )
    key = (f"{PARTITION}#denylist", "sub#u1")
    missing = published.get(*key)
    published.delete(*key)
    assert trouble(cold(), GUEST)["reason"] == "lagging_row"
    clock.now = NOW + 300
    stale_per_look(warm, wire, (GUEST, "Allow"))
    assert warm.line["version"] == 1
    clock.now = NOW + 301
    assert trouble(warm, GUEST)["reason"] == "lagging_row"
    published.put(missing)
    assert is_401(warm.fail(GUEST))
    assert warm.line["reason"] == "denylisted"


def test_a_head_that_is_gone_serves_five_minutes_and_comes_back(gate: Gate, published: Table, wire: AwsCalls, clock: Clock) -> None:
    assert fresh(gate, GUEST) == "Allow"
    head = published.get(PARTITION, "head")
    published.delete(PARTITION, "head")
    for age, reads in ((10, 3), (10, 0), (300, 3)):
        clock.now = NOW + age
        wire.take()
        assert stale(gate, GUEST) == "Allow"
        # The head, the same consistently, and once more to start from.
        assert wire.operations() == ["GetItem"] * reads
    clock.now = NOW + 301
    assert trouble(gate, GUEST)["reason"] == "nothing_published"
    published.put(head)
    assert fresh(gate, GUEST) == "Allow"


def spoil_guest(table: Table, version: str) -> dict[str, Any]:
    """Make a row unreadable. Gives what it was."""
    key = (f"{PARTITION}#subject#group/guest", version)
    before = table.get(*key)
    table.change(*key, content='{"held": {"allow": ["GOT pets"]}, "ancestors": []}')
    return before


def test_an_unreadable_row_fails_for_callers_of_that_group_alone(cold: Cold, published: Table, wire: AwsCalls) -> None:
    spoil_guest(published, V1)
    gate = cold()
    everybody, admin = request_event(bearer(**LASTING)), request_event(bearer("admin", **LASTING))
    for again in (False, True):
        for event in (GUEST, OWNER):
            wire.take()
            assert trouble(gate, event)["reason"] == "unreadable_row"
            assert not again or wire.operations() == ["Query"]
        assert [fresh(gate, event) for event in (everybody, admin)] == ["Allow", "Allow"]


def test_an_unreadable_new_row_of_a_group_that_is_loaded_stops_its_callers_after_five_minutes(
    gate: Gate, published: Table, wire: AwsCalls, clock: Clock
) -> None:
    """The old version runs out for them. Those whom the row is nothing to take the new one."""
    admin = request_event(bearer("admin", **LASTING))
    assert (fresh(gate, GUEST), fresh(gate, admin)) == ("Allow", "Allow")
    publish(REVOKED)
    readable = spoil_guest(published, V2)
    clock.now = NOW + 300
    stale_per_look(gate, wire, (GUEST, "Allow"), (admin, "Allow"))
    assert gate.line["version"] == 1
    clock.now = NOW + 301
    assert trouble(gate, GUEST)["reason"] == "unreadable_row"
    assert (fresh(gate, admin), gate.line["version"]) == ("Allow", 2)
    assert trouble(gate, GUEST)["reason"] == "unreadable_row"
    published.put(readable)
    assert (fresh(gate, GUEST), fresh(gate, admin), gate.line["version"]) == ("Deny", "Allow", 2)


def paged(dynamodb: Any, fail_after: int | None = None) -> Any:
    """A rule by which every Query is answered one item at a time, the first time by none: DynamoDB may end a page where it likes."""
    pages: list[Call] = []

    def rule(call: Call) -> Answer:
        if call.operation != "Query":
            return None
        started = call.body.get("ExclusiveStartKey")
        if started is None:
            pk = call.body["ExpressionAttributeValues"][":0"]["S"]
            return answer({"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": {"pk": {"S": pk}, "sk": {"S": "!"}}})
        pages.append(call)
        if fail_after is not None and len(pages) > fail_after:
            return FAULTS["500"][0]
        begins = {} if started["sk"]["S"] == "!" else {"ExclusiveStartKey": started}
        body = {name: value for name, value in call.body.items() if name != "ExclusiveStartKey"}
        page = dynamodb.query(**(body | begins | {"Limit": 1}))
        del page["ResponseMetadata"]
        return answer(page)

    return rule


def test_pages_are_read_to_the_last(cold: Cold, dynamodb: Any, published: Table, wire: AwsCalls, clock: Clock) -> None:
    """The registry, the records, the denylist and a row each may come in pieces; the last piece may be the deny."""
    service = PermissionService(opened(), clock, wait=lambda _: None)
    for subject in ("u2", "u3", "u4"):
        service.add_entry("petstore", DenylistKind.SUB, subject, author="a", reason="stolen", expires_at=NOW + 10_000)
    wire.rule = paged(dynamodb)
    gate = cold()
    guest, admin = (
        request_event(bearer(name, **LASTING), path="/pets/7", verb=verb) for name, verb in (("guest", "GET"), ("admin", "DELETE"))
    )
    assert (fresh(gate, guest), fresh(gate, admin)) == ("Allow", "Deny")
    assert gate.line["reason"] == "explicit_deny"
    for subject in ("u2", "u3", "u4"):
        assert is_401(gate.fail(request_event(bearer("guest", sub=subject))))
    wire.rule = None
    for text in (REVOKED, DOCUMENT, REVOKED):
        publish(text)
    wire.rule = paged(dynamodb)
    clock.advance(10)
    assert (fresh(gate, guest), gate.line["version"]) == ("Deny", 7)


def test_pages_that_end_in_trouble_are_no_answer(cold: Cold, dynamodb: Any, published: Table, wire: AwsCalls) -> None:
    for pages in (0, 1, 4, 8):
        gate = cold()
        wire.rule = paged(dynamodb, fail_after=pages)
        with case(f"after {pages} pages"):
            out_of_table(gate, "InternalServerError")
    gate = cold()
    wire.rule = paged(dynamodb, fail_after=9)
    assert fresh(gate, GUEST) == "Allow"


def test_nothing_is_read_in_batches_which_could_come_back_in_part(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    for event in (GUEST, OWNER, BANNED):
        effect(gate, event)
    publish(CHANGED)
    reads = [call.operation for call in wire.take() if call.operation != "TransactWriteItems"]
    clock.advance(10)
    for event in (GUEST, OWNER, BANNED):
        effect(gate, event)
    assert {*reads, *wire.operations()} == {"GetItem", "Query"}


def test_silence_is_waited_for_twice(far_gate: Gate, table_host: TableHost) -> None:
    table_host.reply = lambda _number, _answer: (30.0,)
    with within(2 * READ_SECONDS + 1.5):
        out_of_table(far_gate, "ReadTimeoutError")
    assert [operation for _, operation in table_host.take()] == ["GetItem"] * 2
    table_host.reply = lambda _number, _answer: None
    assert fresh(far_gate, GUEST) == "Allow"


@pytest.mark.parametrize(
    "cut", [(), (b"HTTP/1.1 200 OK\r\n", Cut.RESET), None], ids=["hung up on", "reset in the headers", "reset in the body"]
)
def test_a_connection_that_breaks_is_tried_once_more(far_gate: Gate, table_host: TableHost, cut: Any) -> None:
    table_host.reply = lambda _number, whole: (whole[:-10], Cut.RESET) if cut is None else cut
    with within(2):
        out_of_table(far_gate, "ConnectionClosedError" if cut != () else "")
    assert [operation for _, operation in table_host.take()] == ["GetItem"] * 2
    once = iter([True])
    table_host.reply = lambda _number, whole: (whole[:-10], Cut.RESET) if next(once, False) else None
    with within(2):
        assert fresh(far_gate, GUEST) == "Allow"
    assert [operation for _, operation in table_host.take()] == ["GetItem"] * 2 + ["Query"] * 5


def test_nobody_at_the_tables_address_is_trouble_at_once(
    published: Table,
    keys: KeyHost,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    connections: list[Any],
) -> None:
    with KeyHost(b"").running() as gone:
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{gone.port}")
    open_table(TABLE)
    gate = build_gate(keys, clock, capsys)
    with within(2):
        out_of_table(gate, "EndpointConnectionError")
    assert [address[1] for address in connections] == [keys.port, gone.port, gone.port]


def test_slow_reads_add_up(far_gate: Gate, table_host: TableHost) -> None:
    """They are made one after the other, and nothing but Lambda's limit bounds their sum."""
    table_host.reply = lambda _number, whole: _later(0.05, whole)
    started = time.monotonic()
    assert fresh(far_gate, OWNER) == "Allow"
    assert time.monotonic() - started >= 7 * 0.05
    assert [operation for _, operation in table_host.take()] == ["GetItem", *["Query"] * 6]


def test_an_answer_that_keeps_coming_is_waited_for(far_gate: Gate, table_host: TableHost) -> None:
    """The timeout is one of each piece, not of the whole."""
    table_host.reply = lambda number, whole: (whole[:20], 0.3, whole[20:40], 0.3, whole[40:]) if number == 0 else None
    started = time.monotonic()
    assert fresh(far_gate, GUEST) == "Allow"
    assert time.monotonic() - started > READ_SECONDS
    assert len(table_host.take()) == 6


def _later(seconds: float, whole: bytes) -> tuple[float | bytes, ...]:
    return (seconds, whole)


def test_a_token_that_is_refused_anyway_does_not_wait_for_the_table(gate: Gate, wire: AwsCalls) -> None:
    wire.rule = lambda _: FAULTS["silence"][0]
    for token in ("Bearer nonsense", bearer("guest", exp=NOW - 1), "Bearer " + Issuer(key_name="forger").access_token("admin")):
        assert is_401(gate.fail(request_event(token)))
    assert wire.take() == []

"""The forms of an answer, and that each stays within what every kind of API takes: what leaves the context is missed, never guessed."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import TroubleError
from authorizer.events.wire import Answer
from authorizer.policy.iam.statement import PolicyDocument
from tests.support.events import http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event

POLICY: PolicyDocument = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ["arn:aws:execute-api:eu-west-1:1:a/prod/GET/orders"]}],
}
BUDGET = 8000
ALL = {
    "rest_token": rest_token_event(),
    "rest_request": rest_request_event(),
    "http_1": http_1_event(),
    "http_2": http_2_event(),
    "websocket": websocket_event(),
}
LISTS = ("groups", "scopes", "consent", "routes")


def write(kind: str, answer: Answer) -> dict[str, Any]:
    return dict(events.write_response(events.read_request(ALL[kind]), answer))


def size_of(response: dict[str, Any]) -> int:
    return len(json.dumps(response).encode())


@pytest.mark.parametrize("kind", ALL)
def test_a_policy_is_the_form_that_every_kind_of_api_reads(kind: str) -> None:
    assert write(kind, Answer("u1", POLICY, {"version": "7"})) == {
        "principalId": "u1",
        "policyDocument": POLICY,
        "context": {"version": "7"},
    }


@pytest.mark.parametrize("kind", ALL)
def test_a_usage_key_stands_beside_the_policy(kind: str) -> None:
    assert write(kind, Answer("u1", POLICY, {}, usage_key="client-1"))["usageIdentifierKey"] == "client-1"
    assert "usageIdentifierKey" not in write(kind, Answer("u1", POLICY, {}))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("part", ["usage_key", "principal_id", "policy"])
def test_all_parts_of_a_policy_answer_count(kind: str, part: str) -> None:
    """One byte less and the list stays, one byte more and it leaves."""
    small: dict[str, Any] = {"principal_id": "u1", "policy_document": POLICY, "context": {"groups": "x"}, "usage_key": "k"}
    room = BUDGET - size_of(write(kind, Answer(**small)))

    def grown(by: int) -> Answer:
        policy: Any = {**POLICY, "Id": "x" * (by - len(', "Id": ""'))}
        more = {
            "usage_key": {"usage_key": "k" + "x" * by},
            "principal_id": {"principal_id": "u1" + "x" * by},
            "policy": {"policy_document": policy},
        }
        return Answer(**small | more[part])

    full = write(kind, grown(room))
    assert (size_of(full), full["context"]) == (BUDGET, {"groups": "x"})
    with pytest.raises(TroubleError):  # the mark is longer than the list
        write(kind, grown(room + 1))


@pytest.mark.parametrize("allowed", [True, False])
def test_one_word_is_written_for_http_apis_of_payload_2_only(allowed: bool) -> None:
    answer = Answer("u1", POLICY, {"version": "7"}, is_authorized=allowed)
    assert write("http_2", answer) == {"isAuthorized": allowed, "context": {"version": "7"}}
    assert write("http_2", replace(answer, usage_key="client-1")) == write("http_2", answer)
    for kind in set(ALL) - {"http_2"}:
        assert set(write(kind, answer)) == {"principalId", "policyDocument", "context"}


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("word", [None, True])
def test_lists_leave_one_by_one_and_the_last_byte_counts(kind: str, word: bool | None) -> None:
    """In each step the answer has exactly the budget, and one byte more makes the next list leave."""
    for number in range(len(LISTS)):
        gone = {f"{name}_omitted": "true" for name in LISTS[:number]}
        kept = dict.fromkeys(LISTS[number:], "")
        room = BUDGET - size_of(write(kind, Answer("u1", POLICY, {"version": "7"} | kept | gone, word)))
        context = {"version": "7"} | dict.fromkeys(LISTS[:number], "x" * BUDGET) | kept | {LISTS[number]: "x" * room}
        full = write(kind, Answer("u1", POLICY, context, word))
        assert size_of(full) == BUDGET
        assert set(full["context"]) == {"version", *gone, *kept}
        less = write(kind, Answer("u1", POLICY, context | {LISTS[number]: "x" * (room + 1)}, word))
        assert size_of(less) < BUDGET
        assert set(less["context"]) == {"version", *gone, f"{LISTS[number]}_omitted", *LISTS[number + 1 :]}


@pytest.mark.parametrize("word", [None, False])
def test_a_list_that_is_not_there_is_not_marked_as_omitted(word: bool | None) -> None:
    written = write("http_2", Answer("u1", POLICY, {"version": "7", "routes": "x" * BUDGET}, word))
    assert written["context"] == {"version": "7", "routes_omitted": "true"}
    written = write("http_2", Answer("u1", POLICY, {"scopes": "x" * BUDGET, "routes": "[]"}, word))
    assert written["context"] == {"scopes_omitted": "true", "routes": "[]"}


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("name", ["sub", "client_id", "username", "version", "reason", "route", "group", "groups_"])
def test_nothing_but_the_lists_may_leave(kind: str, name: str) -> None:
    with pytest.raises(TroubleError) as caught:
        write(kind, Answer("u1", POLICY, {name: "x" * BUDGET, "groups": "[]"}))
    assert caught.value.reason == "answer_too_large"


def test_one_word_that_is_too_large_even_so_is_trouble() -> None:
    with pytest.raises(TroubleError) as caught:
        write("http_2", Answer("u1", POLICY, {"username": "x" * BUDGET, "groups": "[]"}, is_authorized=True))
    assert caught.value.reason == "answer_too_large"


def test_a_policy_that_is_not_written_does_not_count_against_one_word() -> None:
    large: PolicyDocument = {"Version": "2012-10-17", "Statement": POLICY["Statement"] * 80}
    assert write("http_2", Answer("u1", large, {"groups": "[]"}, is_authorized=True)) == {"isAuthorized": True, "context": {"groups": "[]"}}


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("context", [{"version": "x" * BUDGET}, dict.fromkeys(LISTS, "x" * BUDGET) | {"version": "x" * BUDGET}])
def test_what_is_too_large_even_so_is_trouble(kind: str, context: dict[str, str]) -> None:
    answer = Answer("u1", POLICY, context)
    with pytest.raises(TroubleError) as caught:
        write(kind, answer)
    assert caught.value.reason == "answer_too_large"
    assert answer.context == context


def test_the_policy_never_leaves() -> None:
    large: PolicyDocument = {"Version": "2012-10-17", "Statement": POLICY["Statement"] * 80}
    with pytest.raises(TroubleError):
        write("rest_token", Answer("u1", large, {"groups": "x"}))


def test_letters_beyond_ascii_count_as_their_escapes() -> None:
    """Whether Lambda escapes them depends on its runtime: three bytes may be six."""
    response = write("rest_token", Answer("u1", POLICY, {"groups": "☕" * 1300}))
    assert response["context"] == {"groups_omitted": "true"}


def test_the_answer_itself_is_not_changed() -> None:
    """Policies are kept and given to others: what one request left out must not be missing in the next."""
    for kind in ALL:
        for word in (None, True):
            policy = deepcopy(POLICY)
            answer = Answer("u1", policy, {"groups": "x" * BUDGET}, word, usage_key="client-1")
            written = write(kind, answer)
            assert answer == Answer("u1", POLICY, {"groups": "x" * BUDGET}, word, usage_key="client-1")
            assert answer.policy_document is policy
            written["context"]["more"] = "x"
            assert "more" not in answer.context


@pytest.mark.parametrize("kind", ALL)
def test_what_is_answered_is_found_out_once_and_given_as_a_copy(kind: str) -> None:
    policy = deepcopy(POLICY)
    policy["Statement"][0]["Condition"] = {"NumericLessThan": {"aws:EpochTime": "1"}}
    answer = Answer("u1", policy, {"groups": '["guest"]'})
    first = write(kind, answer)
    expected, found = deepcopy(first), answer.policy_response
    first["context"]["groups"] = '["admin"]'
    [statement, *_] = first["policyDocument"]["Statement"]
    statement["Condition"]["NumericLessThan"]["aws:EpochTime"] = "9"
    statement["Resource"].append("*")
    statement["Effect"] = "Allow"
    first["policyDocument"]["Statement"].append(statement)
    assert write(kind, answer) == expected
    assert answer.policy_response is found


@pytest.mark.parametrize("kind", ALL)
def test_the_size_of_a_policy_that_is_known_counts_as_if_it_were_measured(kind: str) -> None:
    for by in (0, 1):
        answer = Answer("u1", POLICY, {"groups": ""})
        room = BUDGET - size_of(write(kind, answer)) + by
        answer = replace(answer, context={"groups": "x" * room})
        assert write(kind, answer) == write(kind, replace(answer, policy_bytes=len(json.dumps(POLICY))))

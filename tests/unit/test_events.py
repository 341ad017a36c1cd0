"""The wire formats: what each captured event is read as, and that an answer stays within what every kind of API takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import TroubleError
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.compiler import PolicyDocument
from authorizer.token_verifier import bearer_token

FILES = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
NAMES = [file.stem for file in FILES]

# What the Authorization header holds where it is not `Bearer not.a.token`, once.
AUTHORIZATION: dict[str, tuple[str, ...]] = {
    "rest_token_no_authorization": ("",),
    "rest_request_no_authorization": (),
    "rest_request_null_header_maps": (),
    "rest_request_token_in_query_string": (),
    "rest_request_two_authorization_values": ("Bearer first.not.a.token", "Bearer second.not.a.token"),
    "rest_request_authorization_under_two_cases": ("Bearer first.not.a.token", "Bearer second.not.a.token"),
}


def captured(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FILES[0].parent / f"{name}.json").read_text())
    return case


def event(name: str, **changes: Any) -> dict[str, Any]:
    """A captured event with changes; None takes a field out."""
    changed = captured(name)["event"] | changes
    return {field: value for field, value in changed.items() if value is not None or field not in changes}


def read(name: str, **changes: Any) -> AuthorizationRequest:
    return events.read_request(event(name, **changes))


def reason(unreadable: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(TroubleError) as caught:
        events.read_request(unreadable)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_each_captured_event_is_read_as_its_file_says(name: str) -> None:
    expected = captured(name)["expected"]
    request = read(name)
    arn = request.method_arn
    assert (request.format, arn.verb, arn.path, request.told_path) == tuple(expected[f] for f in ("format", "verb", "path", "template"))
    assert {field: getattr(arn, field) for field in ("partition", "region", "account", "api_id", "stage")}.items() <= expected.items()
    assert str(arn) == captured(name)["event"]["methodArn"]


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_the_authorization_header_is_found(name: str) -> None:
    expected = captured(name)["expected"]
    values = read(name).authorization
    assert values == AUTHORIZATION.get(name, ("Bearer not.a.token",))
    if expected["token"] is not None:
        assert [bearer_token(value) for value in values] == [expected["token"]]


def test_there_are_captured_events_of_each_format() -> None:
    assert {captured(name)["expected"]["format"] for name in NAMES} >= {"rest_token", "rest_request"}


@pytest.mark.parametrize("claimed", ["TOKEN", "REQUEST", "", None, 7])
@pytest.mark.parametrize("name", ["rest_token_plain", "rest_request_plain"])
def test_the_format_is_told_by_the_fields_and_not_by_the_type(name: str, claimed: object) -> None:
    assert read(name, type=claimed) == read(name)


@pytest.mark.parametrize("path", ["/admin", "/prod/orders/42/lines", "", None])
def test_the_path_is_the_arns(path: str | None) -> None:
    """`path` carries stages and base paths, and nothing says that it is the path which was routed."""
    assert read("rest_request_plain", path=path) == read("rest_request_plain")


def test_the_template_is_the_contexts_and_else_the_resource() -> None:
    context = captured("rest_request_plain")["event"]["requestContext"]
    assert read("rest_request_plain", resource="/other").told_path == "/orders/{orderId}/lines"
    assert read("rest_request_plain", requestContext=context | {"resourcePath": None}, resource="/other").told_path == "/other"
    assert read("rest_request_plain", requestContext=context | {"resourcePath": None}, resource=None).told_path is None
    assert read("rest_request_plain", requestContext=context | {"resourcePath": ["/a"]}).told_path is None


@pytest.mark.parametrize(
    ("headers", "multi", "values"),
    [
        ({"authorization": "a"}, {"AUTHORIZATION": ["a", "a"]}, ("a", "a")),
        ({"authorization": "a"}, {"X-Authorization": ["b"]}, ("a",)),
        ({"authorization": "a"}, {}, ("a",)),
        ({"Authorization": "a", "authorization": "b"}, None, ("a", "b")),
        ({"Proxy-Authorization": "a", "Authorization2": "b", " authorization": "c"}, None, ()),
        ({"authorization": None}, {"authorization": None}, ()),
        ({"authorization": 7}, {"authorization": [7, None, {"a": 1}]}, ()),
        ({"authorization": ""}, {"authorization": [""]}, ("",)),
    ],
)
def test_header_maps_are_read_together(headers: Any, multi: Any, values: tuple[str, ...]) -> None:
    assert read("rest_request_plain", headers=headers, multiValueHeaders=multi).authorization == values


def test_a_token_that_is_no_text_is_none() -> None:
    assert read("rest_token_plain", authorizationToken=7).authorization == ()


ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
SECRET = "Bearer a.secret.token"

HTTP_2 = {
    "version": "2.0",
    "type": "REQUEST",
    "routeArn": f"{ARN}/prod/GET/orders",
    "identitySource": [SECRET],
    "routeKey": "GET /orders",
    "rawPath": "/orders",
    "headers": {"authorization": SECRET},
    "requestContext": {"http": {"method": "GET", "path": "/orders"}},
}
HTTP_1 = {
    "version": "1.0",
    "type": "REQUEST",
    "methodArn": f"{ARN}/prod/GET/orders",
    "identitySource": SECRET,
    "authorizationToken": SECRET,
    "resource": "/orders",
    "headers": {"authorization": SECRET},
    "requestContext": {"resourcePath": "/orders", "httpMethod": "GET"},
}
WEBSOCKET = {
    "type": "REQUEST",
    "methodArn": f"{ARN}/prod/$connect",
    "headers": {"Authorization": SECRET},
    "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "c"},
}


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        HTTP_2,
        HTTP_1,
        WEBSOCKET,
        {"type": "TOKEN", "authorizationToken": SECRET},
        {"type": "TOKEN", "methodArn": f"{ARN}/prod/GET/"},
        {"type": "REQUEST", "methodArn": f"{ARN}/prod/GET/", "requestContext": [SECRET]},
        {"type": "REQUEST", "requestContext": {"elb": {}}, "path": "/", "headers": {"authorization": SECRET}},
        {"Records": [{"body": SECRET}]},
    ],
    ids=["nothing", "http_2", "http_1", "websocket", "no_arn", "no_token", "context_of_another_shape", "load_balancer", "queue"],
)
def test_an_event_of_no_known_format_is_trouble(unknown: dict[str, Any]) -> None:
    """An answer in the wrong format would be worse than none. The message names fields, never what they hold."""
    code, message = reason(unknown)
    assert code == "unknown_event"
    assert all(field in message for field in unknown)
    assert "secret" not in message


def test_a_token_beside_a_whole_request_makes_it_no_token_event() -> None:
    """Whoever could add fields must not choose the format."""
    assert read("rest_request_plain", authorizationToken=SECRET) == read("rest_request_plain")


@pytest.mark.parametrize("name", ["rest_token_plain", "rest_request_plain"])
@pytest.mark.parametrize("arn", ["", "*", 7, None, "arn:aws:s3:::a", f"{ARN}/prod", "arn:aws:execute-api:eu-west-1:*:a/prod/GET/", [ARN]])
def test_an_arn_that_api_gateway_cannot_have_sent_is_trouble(name: str, arn: object) -> None:
    assert reason(captured(name)["event"] | {"methodArn": arn})[0] == "unreadable_event"


POLICY: PolicyDocument = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": [f"{ARN}/prod/GET/orders"]}],
}
BUDGET = 8000


def write(name: str, answer: Answer) -> dict[str, Any]:
    return dict(events.write_response(read(name), answer))


def answer_of(groups: int, rest: int = 0, more_resources: int = 0) -> Answer:
    """An answer with so many bytes of groups, of other context, and with more resources of a hundred bytes."""
    resources = [f"{ARN}/prod/GET/orders", *(f"{ARN}/".ljust(96, "x") for _ in range(more_resources))]
    policy: PolicyDocument = {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources}],
    }
    return Answer("user-1", policy, {"version": "7" + "x" * rest, "groups": "g" * groups})


@pytest.mark.parametrize("name", ["rest_token_plain", "rest_request_plain"])
def test_an_answer_is_written_in_the_form_that_api_gateway_reads(name: str) -> None:
    assert write(name, Answer("user-1", POLICY, {"version": "7", "groups": '["guest"]'})) == {
        "principalId": "user-1",
        "policyDocument": POLICY,
        "context": {"version": "7", "groups": '["guest"]'},
    }


def size_of(response: dict[str, Any]) -> int:
    return len(json.dumps(response).encode())


def test_groups_stay_as_long_as_the_answer_fits() -> None:
    without = size_of(write("rest_token_plain", answer_of(groups=0)))
    full = write("rest_token_plain", answer_of(groups=BUDGET - without))
    assert size_of(full) == BUDGET
    assert full["context"] == {"version": "7", "groups": "g" * (BUDGET - without)}


@pytest.mark.parametrize("beyond", [1, 100, 100_000])
def test_groups_leave_the_context_first_and_are_missed(beyond: int) -> None:
    """A backend must be able to tell a caller without groups from one whose groups did not fit."""
    without = size_of(write("rest_token_plain", answer_of(groups=0)))
    response = write("rest_token_plain", answer_of(groups=BUDGET - without + beyond))
    assert response["context"] == {"version": "7", "groups_omitted": "true"}
    assert response["policyDocument"] == answer_of(groups=0).policy_document
    assert size_of(response) <= BUDGET


@pytest.mark.parametrize("name", ["rest_token_plain", "rest_request_plain"])
@pytest.mark.parametrize("answer", [answer_of(groups=0, more_resources=80), answer_of(groups=10, rest=BUDGET), answer_of(9000, 9000)])
def test_an_answer_that_is_too_large_even_so_is_trouble(name: str, answer: Answer) -> None:
    with pytest.raises(TroubleError) as caught:
        write(name, answer)
    assert caught.value.reason == "answer_too_large"
    assert f"more than {BUDGET}" in str(caught.value)


def test_the_last_byte_counts_without_groups_too() -> None:
    omitted = size_of(write("rest_token_plain", answer_of(groups=BUDGET)))
    assert size_of(write("rest_token_plain", answer_of(groups=BUDGET, rest=BUDGET - omitted))) == BUDGET
    with pytest.raises(TroubleError):
        write("rest_token_plain", answer_of(groups=BUDGET, rest=BUDGET - omitted + 1))


def test_letters_beyond_ascii_count_as_their_escapes() -> None:
    """Whether Lambda escapes them depends on its runtime: three bytes may be six."""
    response = write("rest_token_plain", Answer("user-1", POLICY, {"groups": "☕" * 1300}))
    assert response["context"] == {"groups_omitted": "true"}


def test_the_answer_itself_is_not_changed() -> None:
    """Policies are kept and given to others: what one request left out must not be missing in the next."""
    answer = answer_of(groups=BUDGET)
    write("rest_token_plain", answer)
    assert answer == answer_of(groups=BUDGET)

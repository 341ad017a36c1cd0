"""The probe's questions, its function, its calls and its stack, each by itself; tests/stack asks them of the emulator."""

import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

import infra.probe
from authorizer.settings import read_settings
from infra.probe import __main__ as command
from infra.probe import function
from infra.probe.calls import Caller, CallError, Place
from infra.probe.findings import Finding, Verdict, find, proposed_settings, unanswered
from infra.probe.questions import JSON_TEXT, QUESTIONS, SIZES, Answer, Api, Call, Question
from infra.probe.report import is_expected, present_report
from infra.probe.run import READY_SECONDS, ask_all, places_of
from infra.probe.stack import ProbeStack, StackError, probe_stack

SETTINGS = {"PERMISSIONS_TABLE": "t", "API": "a", "USER_POOL_ID": "eu-west-1_AbCdEfGhI", "APP_CLIENT_IDS": "c"}

BY_NAME = {each.name: each for each in QUESTIONS}


# The questions.


def test_each_question_is_asked_once_and_expects_what_a_row_foresees() -> None:
    assert len(BY_NAME) == len(QUESTIONS)
    for question in QUESTIONS:
        assert question.asks.endswith("?"), question.name
        assert question.emulated in question.outcomes, question.name
        assert not question.known or question.known in question.outcomes, question.name


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_the_settings_that_follow_are_settings(question: Question) -> None:
    for outcome in question.outcomes.values():
        for setting in outcome.settings:
            name, _, value = setting.partition("=")
            with_it = {**SETTINGS, name: value} | ({"CACHE_SCOPE": "token"} if name == "TOKEN_SCOPE_GUARDS" else {})
            read_settings(with_it)


def answers_of(question: Question, outcome: str) -> list[Answer]:  # noqa: PLR0911  # a line for each way to judge
    """Answers that mean an outcome."""

    def answer(status: int = 200, seconds: float = 0.1, **told: Any) -> Answer:
        return Answer(status, told if status == 200 else {}, seconds)

    if question.name.endswith("-size") and question.api is not Api.WEBSOCKET:
        taken = 0 if outcome == "none" else SIZES.index(int(outcome)) + 1
        return [answer(200 if index < taken else 500) for index in range(len(SIZES))]
    if question.name.endswith(("-encoding", "-slashes", "-root", "-arn")):
        return [answer(arn=f"arn:aws:execute-api:eu-west-1:111122223333:api/probe/{outcome}")]
    if question.name.endswith(("-greedy", "-trailing-slash")):
        return [answer(route=outcome)]
    if question.name.endswith("-remembered-route"):
        return [answer(number="1"), answer(number="1" if outcome == "remembered" else "2")]
    if question.name.endswith(("-remembered-deny", "-remembered-error")):
        return [answer(403), answer(403 if outcome == "remembered" else 200)]
    if question.name.endswith("-context"):
        return [answer(number="1", text=JSON_TEXT), answer(number="1", text=JSON_TEXT if outcome == "unchanged" else "{}")]
    if question.name == "rest-timeout":
        return [{"10 s": answer(504, 10.2), "29 to 31 s": answer(504, 29.3), "waits 35 s": answer(200, 35.2)}[outcome]]
    return [answer(200)] * (len(question.calls) - 1) + [answer(int(outcome))]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_each_outcome_is_told_from_the_others(question: Question) -> None:
    for outcome in question.outcomes:
        finding = find(question, answers_of(question, outcome))
        assert (finding.outcome, finding.means) == (outcome, question.outcomes[outcome].means)
        expected = Verdict.SETTLED if not question.known else Verdict.AS_KNOWN if outcome == question.known else Verdict.DIFFERS
        assert finding.verdict is expected
        assert is_expected(finding, emulated=False) is (expected is not Verdict.DIFFERS)
        assert is_expected(finding, emulated=True) is (outcome == question.emulated)


def test_nothing_that_comes_back_is_too_strange_to_be_reported() -> None:
    seed = int(os.environ.get("GATEBOOK_SEED", "20261128"))
    print(f"\nGATEBOOK_SEED={seed}")
    chance = random.Random(seed)
    told: list[Mapping[str, Any]] = [{}, {"arn": 7}, {"arn": "no/arn"}, {"number": None}, {"text": JSON_TEXT, "number": "1"}, {"route": []}]
    surprises = 0
    for _ in range(2000):
        question = chance.choice(QUESTIONS)
        statuses = (200, 101, 301, 400, 401, 403, 404, 429, 500, 502, 504)
        answers = [Answer(chance.choice(statuses), chance.choice(told), chance.random() * 60) for _ in question.calls]
        finding = find(question, answers)
        surprises += finding.verdict is Verdict.SURPRISE
        if finding.verdict is Verdict.SURPRISE:
            assert all(str(answer.status) in finding.means for answer in answers), f"GATEBOOK_SEED={seed}"
            assert finding.settings == ()
    assert surprises > 100, f"GATEBOOK_SEED={seed}"


def found(*names: str) -> list[Finding]:
    return [find(BY_NAME[name], answers_of(BY_NAME[name], outcome)) for name, outcome in (each.split(" ", 1) for each in names)]


@pytest.mark.parametrize(
    ("findings", "settings"),
    [
        ([], {}),
        (["rest-encoding GET/a/b:c"], {"TOKEN_SCOPE_GUARDS": "1"}),
        # One gateway that tells spellings apart is enough to go round a Deny.
        (["rest-encoding GET/a/b:c", "rest-slashes GET/a//b/"], {"TOKEN_SCOPE_GUARDS": "0"}),
        (["rest-time-condition-remembered 403", "http-2-time-condition-remembered 200"], {"EXPIRY_CONDITIONS": "0"}),
        (["rest-time-condition-remembered 403", "http-2-time-condition-remembered 403"], {"EXPIRY_CONDITIONS": "1"}),
        (["http-1-unauthorized 401", "http-2-unauthorized 500"], {"HTTP_API_UNAUTHORIZED": "deny"}),
        (["http-1-unauthorized 401"], {"HTTP_API_UNAUTHORIZED": "raise"}),
    ],
)
def test_the_careful_setting_wins(findings: list[str], settings: dict[str, str]) -> None:
    assert proposed_settings(found(*findings)) == settings
    assert proposed_settings(reversed(found(*findings))) == settings


def test_no_setting_follows_from_an_emulator() -> None:
    report = present_report(found("rest-encoding GET/a/b:c"), emulated=True)
    assert report["settings"] == {}
    assert present_report(found("rest-encoding GET/a/b:c"), emulated=False)["settings"] == {"TOKEN_SCOPE_GUARDS": "1"}
    [told] = report["questions"]
    assert (told["outcome"], told["verdict"], told["expected"]) == ("GET/a/b:c", "differs", True)


# The function.


REST_EVENT = {"type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:1:api/probe/GET/a*b%2F$", "resource": "/{proxy+}"}


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k")


def ordered(order: dict[str, Any], **event: Any) -> dict[str, Any]:
    headers = {"X-Probe": json.dumps(order), "x-probe-key": "k"}
    return function.handler({**REST_EVENT, "headers": headers, **event}, None)


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize(
    ("how", "rest"),
    [
        ("own", "GET/a*b%2F$"),
        ("any", "*"),
        ("escaped", "GET/a${*}b%2F${$}"),
        ("decoded", "GET/a*b/$"),
        ("GET/a/*", "GET/a/*"),
    ],
)
def test_what_the_function_allows(how: str, rest: str) -> None:
    answer = ordered({"resource": how, "text": "t", "pad": 3})
    [statement] = answer["policyDocument"]["Statement"]
    assert statement == {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"arn:aws:execute-api:eu-west-1:1:api/probe/{rest}"}
    context = answer["context"]
    assert (context["arn"], context["text"], context["pad"], context["route"]) == (REST_EVENT["methodArn"], "t", "xxx", "/{proxy+}")


@pytest.mark.usefixtures("_key")
def test_a_condition_a_deny_and_an_exception() -> None:
    before = int(time.time())
    [statement] = ordered({"until": -60, "effect": "Deny"})["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert before - 60 <= int(statement["Condition"]["NumericLessThan"]["aws:EpochTime"]) <= time.time() - 60
    with pytest.raises(Exception, match=r"^probe$"):
        ordered({"raise": "probe"})


@pytest.mark.usefixtures("_key")
@pytest.mark.parametrize("headers", [None, {}, {"x-probe-key": "other", "x-probe": "{}"}])
def test_nobody_else_orders_an_answer(headers: dict[str, str] | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        function.handler({**REST_EVENT, "headers": headers}, None)


@pytest.mark.parametrize(
    ("context", "told"),
    [({"authorizer": {"number": "1"}}, {"number": "1"}), ({"authorizer": {"lambda": {"number": "2"}}}, {"number": "2"}), ({}, {})],
)
def test_the_backend_says_what_it_was_told(context: dict[str, Any], told: dict[str, str]) -> None:
    assert json.loads(function.handler({"requestContext": context}, None)["body"]) == told


def test_the_function_fits_into_a_parameter() -> None:
    """4,096 bytes, as "Quotas" of the CloudFormation user guide has it."""
    assert len(Path(function.__file__).read_bytes()) <= 4096
    assert (Path(infra.probe.__file__).parent / "probe.yaml").read_text().count("NoEcho: true") == 1


# The calls.


class Host:
    """A server that answers each request with the next of some answers, and keeps what it was asked."""

    def __init__(self, answers: Sequence[tuple[int, bytes]]) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self.asked.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}))
                status, body = left.pop(0)
                handler.send_response(status)
                if status != 101:
                    handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["Host"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def a_question(*calls: Call, api: Api = Api.REST) -> Question:
    return Question("q", "?", api, calls, lambda answers: str(answers[-1].status), {}, "", "")


def test_a_path_goes_out_as_it_is_written_and_calls_of_a_question_share_their_token() -> None:
    waited: list[float] = []
    with Host([(200, b'{"number": "1"}'), (200, b"[]"), (200, b"no json")]).running() as host:
        caller = Caller({Api.REST: Place(f"{host.url}/probe", "api.example:1")}, "k", waited.append)
        calls = Call("//a%2Fb/../*", {"pad": 1}), Call("/", wait=12), Call("/", token="b")
        first, second, third = caller.ask(a_question(*calls))
    assert [path for path, _ in host.asked] == ["/probe//a%2Fb/../*", "/probe/", "/probe/"]
    headers = [headers for _, headers in host.asked]
    assert headers[0]["x-probe"] == '{"pad": 1}'
    assert {each["x-probe-key"] for each in headers} == {"k"}
    assert {each["host"] for each in headers} == {"api.example:1"}
    assert headers[0]["authorization"] == headers[1]["authorization"] != headers[2]["authorization"]
    assert (first.told, second.told, third.told) == ({"number": "1"}, {}, {})
    assert waited == [0, 12, 0]


def test_two_runs_of_a_question_share_nothing() -> None:
    with Host([(200, b"{}")] * 2).running() as host:
        caller = Caller({Api.REST: Place(host.url)}, "k")
        caller.ask(a_question(Call("/")))
        caller.ask(a_question(Call("/")))
    assert len({headers["authorization"] for _, headers in host.asked}) == 2


def test_a_handshake_is_one_of_websockets() -> None:
    with Host([(101, b"")]).running() as host:
        [answer] = Caller({Api.WEBSOCKET: Place(f"{host.url}/probe")}, "k").ask(a_question(Call(""), api=Api.WEBSOCKET))
    assert (answer.status, answer.told) == (101, {})
    [(path, headers)] = host.asked
    assert (path, headers["upgrade"], headers["connection"], headers["sec-websocket-version"]) == ("/probe", "websocket", "Upgrade", "13")


def test_a_throttled_call_is_made_again_and_at_last_told() -> None:
    waited: list[float] = []
    with Host([(429, b"")] * 2 + [(403, b"")] + [(429, b"")] * 4).running() as host:
        caller = Caller({Api.REST: Place(host.url)}, "k", waited.append)
        assert [each.status for each in caller.ask(a_question(Call("/")))] == [403]
        with pytest.raises(CallError, match="the REST API throttles"):
            caller.ask(a_question(Call("/")))
    assert waited == [0, 1, 2, 0, 1, 2, 4, 8]


def test_an_api_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        caller = Caller({Api.HTTP: Place(f"http://127.0.0.1:{taken.getsockname()[1]}")}, "k")
        with pytest.raises(CallError, match="the HTTP API does not answer"):
            caller.ask(a_question(Call("/"), api=Api.HTTP))
        assert not caller.is_ready(Api.HTTP)


# The run.


STACK = ProbeStack("s", {"RestApiId": "r1", "HttpApiId": "h1", "SocketApiId": "w1", "Suffix": "amazonaws.com.cn"}, "k")


def test_where_the_apis_are() -> None:
    assert places_of(STACK, "cn-north-1", None)[Api.HTTP] == Place("https://h1.execute-api.cn-north-1.amazonaws.com.cn/probe")
    assert places_of(STACK, "us-east-1", "http://127.0.0.1:4599")[Api.REST] == Place(
        "http://127.0.0.1:4599/probe", "r1.execute-api.localhost:4599"
    )


class Scripted(Caller):
    """Answers without asking anybody. An API is ready at its n-th try."""

    def __init__(self, ready_after: dict[Api, int]) -> None:
        self.left = ready_after

    def is_ready(self, api: Api) -> bool:
        self.left[api] -= 1
        return self.left[api] < 0

    def ask(self, question: Question) -> tuple[Answer, ...]:
        if question.name == "rest-root":
            raise CallError("the REST API does not answer: gone")
        return tuple(answers_of(question, question.emulated))


def test_an_api_that_never_comes_up_leaves_its_questions_and_no_other_unanswered() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    caller = Scripted({Api.REST: 3, Api.HTTP: 10_000, Api.WEBSOCKET: 0})
    findings = list(ask_all(QUESTIONS, caller, lambda: now[0], sleep))
    assert [each.question for each in findings] == list(QUESTIONS)
    without = {each.question.name for each in findings if each.verdict is Verdict.UNANSWERED}
    assert without == {each.name for each in QUESTIONS if each.api is Api.HTTP} | {"rest-root"}
    assert READY_SECONDS < now[0] < READY_SECONDS + 30
    assert not any(is_expected(each, emulated=emulated) for each in findings if each.question.name in without for emulated in (True, False))


def test_what_could_not_be_asked_proposes_nothing() -> None:
    assert proposed_settings([unanswered(BY_NAME["rest-encoding"], "why")]) == {}


# The stack.


class CloudFormation:
    """CloudFormation, as far as the probe asks it. `fails` is the waiter that gives up."""

    def __init__(self, fails: str = "", events: Sequence[dict[str, Any]] | ClientError = ()) -> None:
        self.calls: list[str] = []
        self.created: dict[str, Any] = {}
        self._fails, self._events = fails, events

    def create_stack(self, **asked: Any) -> None:
        self.calls.append("create")
        self.created = asked

    def get_waiter(self, name: str) -> "CloudFormation":
        self.calls.append(name)
        return self

    def wait(self, **_: Any) -> None:
        if self.calls[-1] == self._fails:
            raise WaiterError(self._fails, "terminal failure", {})

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"Outputs": [{"OutputKey": "RestApiId", "OutputValue": "r1"}]}]}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        if isinstance(self._events, ClientError):
            raise self._events
        return {"StackEvents": self._events}

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete")


WHOLE = ["create", "stack_create_complete", "delete", "stack_delete_complete"]


def test_the_stack_is_deleted_whatever_happens() -> None:
    aws, said = CloudFormation(), list[str]()
    with probe_stack(aws, said.append) as stack:
        assert (stack.outputs, aws.calls) == ({"RestApiId": "r1"}, WHOLE[:2])
    assert aws.calls == WHOLE
    given = {each["ParameterKey"]: each["ParameterValue"] for each in aws.created["Parameters"]}
    assert (given["Key"], given["Emulated"], aws.created["Capabilities"]) == (stack.key, "false", ["CAPABILITY_IAM"])
    assert stack.key not in "".join(said)
    aws = CloudFormation()
    with pytest.raises(KeyboardInterrupt), probe_stack(aws, said.append, emulated=True):
        raise KeyboardInterrupt
    assert aws.calls == WHOLE


def test_a_stack_that_is_kept_is_named() -> None:
    aws, said = CloudFormation(), list[str]()
    with probe_stack(aws, said.append, keep=True) as stack:
        pass
    assert aws.calls == WHOLE[:2]
    assert f"`aws cloudformation delete-stack --stack-name {stack.name}`" in said[-1]


FAILED = [
    {"LogicalResourceId": "Role", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "Resource creation cancelled", "Timestamp": 2},
    {"LogicalResourceId": "Function", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "no such runtime", "Timestamp": 1},
    {"LogicalResourceId": "Log", "ResourceStatus": "CREATE_COMPLETE", "Timestamp": 0},
]
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStackEvents")


@pytest.mark.parametrize(
    ("events", "why"),
    [(FAILED, "Function: no such runtime"), ([], "no resource failed"), (FAILED[2:], "no resource failed"), (REFUSED, "AccessDenied")],
)
def test_a_stack_that_cannot_be_made_says_why_and_is_deleted(events: Any, why: str) -> None:
    aws = CloudFormation("stack_create_complete", events)
    with pytest.raises(StackError, match=why), probe_stack(aws, lambda _: None):
        raise AssertionError
    assert aws.calls == WHOLE


# The command.


def test_the_questions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list", "--only", "rest-root"]) == 0
    assert "What is the root's ARN?" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (REFUSED, 4, "AWS cannot be asked"),
        (StackError("stack `s`: why"), 4, "stack `s`: why"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_trouble_is_told_with_its_exit_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(command, "probe_stack", fail)
    assert command.main(["--region", "eu-west-1"]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("outcome", "code"), [("GET/a%2Fb%3Ac", 0), ("GET/a/b:c", 1), ("GET/else", 1)])
def test_an_outcome_that_was_not_expected_is_a_finding(
    outcome: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def stack(*_: Any, **__: Any) -> Iterator[ProbeStack]:
        yield STACK

    monkeypatch.setattr(command, "probe_stack", stack)
    monkeypatch.setattr(command, "ask_all", lambda *_: [find(BY_NAME["rest-encoding"], answers_of(BY_NAME["rest-encoding"], outcome))])
    assert command.main(["--region", "eu-west-1"]) == code
    printed = capsys.readouterr().out
    assert ("worth an issue" in printed) is (code == 1)
    assert command.main(["--region", "eu-west-1", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["questions"][0]["outcome"] == outcome

"""The gateway model, the event builders and the captured events against the API Gateway Developer Guide.

Each table names the page that its expected answers come from; what no page says is played under both values of a flag.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support.events import Deployment, Event, rest_request_event, rest_token_event
from tests.support.gateway_model import Gateway, Response, Router, answer_problem
from tests.support.iam_evaluator import UnsupportedPolicyError

EVENTS = sorted((Path(__file__).parents[1] / "events").glob("rest_*.json"))
API = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
ROUTES = (
    *("GET /", "GET /pets", "ANY /pets", "GET /pets/{petId}", "DELETE /pets/mine", "GET /pets/{petId}/toys", "GET /pets/mine/toys/{toy}"),
    *("ANY /files/{proxy+}", "GET /files/readme", "POST /{tail+}", "GET /a/{x}/c", "GET /a/b/d", "GET /a/{rest+}"),
)


@pytest.mark.parametrize(
    ("method", "path", "template", "parameters"),
    [
        # "Set up a method request": a specific resource before a generic one at the same level.
        ("GET", "/pets", "GET /pets", {}),
        ("GET", "/pets/1", "GET /pets/{petId}", {"petId": "1"}),
        ("DELETE", "/pets/mine", "DELETE /pets/mine", {}),
        ("GET", "/pets/1/toys", "GET /pets/{petId}/toys", {"petId": "1"}),
        ("GET", "/pets/mine/toys/2", "GET /pets/mine/toys/{toy}", {"toy": "2"}),
        ("GET", "/files/readme", "GET /files/readme", {}),
        ("GET", "/a/b/d", "GET /a/b/d", {}),
        ("GET", "/a/x/c", "GET /a/{x}/c", {"x": "x"}),
        # ... ANY stands for the seven methods, and for no other; an explicit method comes first.
        *[(verb, "/pets", "ANY /pets", {}) for verb in ("DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")],
        ("OPTIONS", "/files/x", "ANY /files/{proxy+}", {"proxy": "x"}),
        ("TRACE", "/pets", None, None),
        ("ANY", "/pets", None, None),
        ("get", "/pets", None, None),
        # ... `/parent/{proxy+}` stands for `/parent/*`, not for `/parent`.
        ("PUT", "/files/a/b", "ANY /files/{proxy+}", {"proxy": "a/b"}),
        ("PUT", "/files", None, None),
        # Recordings of real REST APIs: empty segments do not count, a proxy parameter loses the slash at its end.
        ("GET", "/", "GET /", {}),
        ("GET", "//", "GET /", {}),
        ("GET", "//pets", "GET /pets", {}),
        ("GET", "/pets/", "GET /pets", {}),
        ("GET", "/pets//1///toys//", "GET /pets/{petId}/toys", {"petId": "1"}),
        ("PUT", "/files/a/b/", "ANY /files/{proxy+}", {"proxy": "a/b"}),
        ("PUT", "/files//", None, None),
        # Paths differ by case; nothing is decoded; dots are ordinary.
        ("GET", "/Pets", None, None),
        ("GET", "/pets/%6dine", "GET /pets/{petId}", {"petId": "%6dine"}),
        ("GET", "/pets/a%2Fb", "GET /pets/{petId}", {"petId": "a%2Fb"}),
        ("GET", "/pets/..", "GET /pets/{petId}", {"petId": ".."}),
        # "the sibling resources are excluded from the representation of the proxy resource"
        ("GET", "/pets/mine", None, None),
        ("POST", "/pets/1", None, None),
        ("POST", "/a/b", None, None),
        ("GET", "/a/b/x", None, None),
        ("GET", "/a/x/d", None, None),
        ("POST", "/other/thing", "POST /{tail+}", {"tail": "other/thing"}),
    ],
)
def test_routing(method: str, path: str, template: str | None, parameters: dict[str, str] | None) -> None:
    routed = Router(ROUTES).route(method, path)
    found = (f"{routed.method_template} {routed.template}", routed.parameters) if routed else (None, None)
    assert found == (template, parameters)


@pytest.mark.parametrize(
    ("method", "path", "template", "parameters"),
    [
        ("GET", "/pets/mine", "GET /pets/{petId}", {"petId": "mine"}),
        ("POST", "/pets/1", "POST /{tail+}", {"tail": "pets/1"}),
        ("GET", "/pets/mine/toys", "GET /pets/{petId}/toys", {"petId": "mine"}),
        ("GET", "/a/b/c", "GET /a/{x}/c", {"x": "b"}),
        ("GET", "/a/b/x", "GET /a/{rest+}", {"rest": "b/x"}),
        ("GET", "/a/b/d", "GET /a/b/d", {}),
        ("POST", "/pets", "ANY /pets", {}),
        ("GET", "/nothing", None, None),
    ],
)
def test_backtracking(method: str, path: str, template: str | None, parameters: dict[str, str] | None) -> None:
    """A less specific template serves what the more specific one cannot; its parameters hold nothing of the abandoned branch."""
    routed = Router(ROUTES, backtracks=True).route(method, path)
    assert (f"{routed.method_template} {routed.template}" if routed else None) == template
    assert (routed.parameters if routed else None) == parameters


@pytest.mark.parametrize(
    ("path", "template", "parameters"),
    [
        ("/pets/%6dine/toys/%31", "/pets/mine/toys/{toy}", {"toy": "1"}),
        ("/pets%2F1", "/pets/{petId}", {"petId": "1"}),
        ("/pets/%252F", "/pets/{petId}", {"petId": "%2F"}),
        ("/files/a%2f%2fb", "/files/{proxy+}", {"proxy": "a/b"}),
        ("/pets/%ff", "/pets/{petId}", {"petId": "\ufffd"}),
        ("/pets/%3F", "/pets/{petId}", {"petId": "?"}),
    ],
)
def test_decoding_before_routing(path: str, template: str, parameters: dict[str, str]) -> None:
    routed = Router(ROUTES, decodes=True).route("GET", path)
    assert routed is not None
    assert (routed.template, routed.parameters) == (template, parameters)


@pytest.mark.parametrize("routes", [["GET pets"], ["pets"], ["FETCH /pets"], ["get /pets"], ["WS $connect"], ["GET /pets/"], ["GET //"]])
def test_routes_that_do_not_parse(routes: list[str]) -> None:
    with pytest.raises(ValueError, match=r"pets|WS|//"):
        Router(routes)


@pytest.mark.parametrize(
    "routes",
    [
        ["GET /x{y}"],
        ["GET /{x}y"],
        ["GET /{}"],
        ["GET /{+}"],
        ["GET /{{x}}"],
        ["GET /*"],
        # "Any API resource after {proxy+} is redundant and ambiguous": the page's own examples of what is not allowed.
        ["ANY /{proxy+}/child"],
        ["ANY /parent/{proxy+}/{child}"],
        ["ANY /parent/{child}/{proxy+}/{grandchild+}"],
        ["GET /{a}", "GET /{b}/c"],
        ["GET /{a+}", "POST /{b+}"],
        ["GET /x", "GET /x"],
    ],
)
def test_resources_that_cannot_be_created(routes: list[str]) -> None:
    """ "Set up a method request", "Amazon API Gateway important notes" (a variable fills its segment), one variable sibling of a kind."""
    with pytest.raises(ValueError, match=r"cannot stand there|sibling|twice"):
        Router(routes)


def test_variable_and_proxy_resource_may_be_siblings() -> None:
    """ "Set up a method request": its example of what is allowed within an API."""
    router = Router(["ANY /{proxy+}", "ANY /parent/{proxy+}", "ANY /parent/{child}/{proxy+}"])
    templates = [
        routed.template if (routed := router.route("GET", path)) else None for path in ("/x/y", "/parent/x/y", "/parent/x", "/parent")
    ]
    assert templates == ["/{proxy+}", "/parent/{child}/{proxy+}", None, None]


@pytest.mark.parametrize("path", ["pets", "", "/pets?x=1"])
def test_a_path_is_not_a_url(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        Router(ROUTES).route("GET", path)


class Authorizer:
    """Answers with a policy made for the event, and keeps the events."""

    def __init__(self, answer: Callable[[Event], object]) -> None:
        self.events: list[Event] = []
        self._answer = answer

    def __call__(self, event: Event) -> object:
        self.events.append(event)
        return self._answer(event)


def answer(resource: object, effect: str = "Allow", **more: object) -> dict[str, object]:
    """A well-formed answer with one statement."""
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "someone", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, **more}


def echo(event: Event) -> object:
    """The classic: allow exactly the ARN that was asked for."""
    return answer(event["methodArn"])


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_398_612.0

    def __call__(self) -> float:
        return self.now


ROUTE_KEY = ("header.Authorization", "context.httpMethod", "context.resourcePath")


def gateway(
    authorizer: Callable[[Event], object],
    *,
    kind: Literal["REQUEST", "TOKEN"] = "REQUEST",
    identity: Sequence[str] = ("header.Authorization",),
    ttl: float = 300,
    clock: Callable[[], float] | None = None,
    router: Router | None = None,
    **options: Any,
) -> Gateway:
    return Gateway(
        router or Router(ROUTES),
        authorizer,
        kind=kind,
        identity=identity,
        ttl=ttl,
        clock=clock or Clock(),
        **options,
    )


def outcome(response: Response) -> tuple[int, bool]:
    return response.status, response.invoked


def test_a_remembered_policy_is_evaluated_for_the_request_that_finds_it() -> None:
    """ "Configure a Lambda authorizer": the policy is cached under the token, so one that names one method refuses the others."""
    guarded = gateway(echo, kind="TOKEN")
    assert outcome(guarded.request("GET", "/pets/1", "t")) == (200, True)
    assert outcome(guarded.request("GET", "/pets/1", "t")) == (200, False)
    assert guarded.request("GET", "/pets/2", "t") == Response(403, False, ("t",), "User is not authorized to access this resource")
    assert outcome(guarded.request("GET", "/pets/2", "u")) == (200, True)


@pytest.mark.parametrize(
    ("identity", "key"),
    [
        (["header.Authorization"], ("t",)),
        (ROUTE_KEY, ("t", "GET", "/pets/{petId}")),
        (["context.path", "context.stage"], ("/prod/pets/%31/", "prod")),
    ],
)
def test_the_key_is_the_identity_sources_in_their_order(identity: Sequence[str], key: tuple[str, ...]) -> None:
    """ "Configure a Lambda authorizer"; "$context" names as in "API Gateway mapping template and access logging variable reference"."""
    assert gateway(echo, identity=identity).request("GET", "/pets/%31/", "t").key == key


def test_routes_do_not_share_an_entry_when_the_key_holds_method_and_resource() -> None:
    authorizer = Authorizer(echo)
    guarded = gateway(authorizer, identity=ROUTE_KEY)
    played = [("GET", "/pets"), ("HEAD", "/pets"), ("GET", "/pets/1"), ("GET", "/pets/2"), ("GET", "/pets/"), ("GET", "/pets")]
    outcomes = [outcome(guarded.request(method, path, "t")) for method, path in played]
    assert outcomes == [(200, True), (200, True), (200, True), (403, False), (403, False), (200, False)]
    assert len(authorizer.events) == 3


def test_an_entry_lives_for_its_time_and_no_longer() -> None:
    clock = Clock()
    guarded = gateway(echo, ttl=1, clock=clock)
    invoked = []
    for moment in (0, 0.9, 1, 1.9, 2):
        clock.now = 1_000 + moment
        invoked.append(guarded.request("GET", "/pets", "t").invoked)
    assert invoked == [True, False, True, False, True]


def test_without_a_cache_every_request_is_asked() -> None:
    """ "Configure a Lambda authorizer": with caching off, identity sources are optional."""
    authorizer = Authorizer(echo)
    guarded = gateway(authorizer, identity=(), ttl=0)
    assert [guarded.request("GET", f"/pets/{n}", None) for n in (1, 2)] == [Response(200, True, None, "allowed by the authorizer")] * 2
    assert "Authorization" not in authorizer.events[0]["headers"]


@pytest.mark.parametrize("token", [None, ""])
@pytest.mark.parametrize(("kind", "ttl"), [("TOKEN", 300), ("TOKEN", 0), ("REQUEST", 300), ("REQUEST", 0)])
def test_a_missing_identity_source_is_401_without_asking(token: str | None, kind: Literal["REQUEST", "TOKEN"], ttl: float) -> None:
    """ "Configure a Lambda authorizer": missing, null or empty."""
    assert gateway(echo, kind=kind, ttl=ttl).request("GET", "/pets", token) == Response(401, False, None, "Unauthorized")


def test_denies_are_remembered_like_allows() -> None:
    guarded = gateway(lambda event: answer(f"{API}/prod/GET/*", "Deny"))
    reason = "User is not authorized to access this resource with an explicit deny"
    assert guarded.request("GET", "/pets", "t") == Response(403, True, ("t",), reason)
    assert guarded.request("GET", "/pets/1", "t") == Response(403, False, ("t",), reason)


@pytest.mark.parametrize(
    ("message", "status"), [("Unauthorized", 401), ("unauthorized", 500), ("Unauthorized.", 500), ("Unauthorized: expired", 500), ("", 500)]
)
def test_failures_are_never_remembered(message: str, status: int) -> None:
    """ "Use API Gateway Lambda authorizers": only the exact message is a 401, anything else the function raises is a 500."""
    failures = [RuntimeError(message), RuntimeError(message)]

    def authorizer(event: Event) -> object:
        if failures:
            raise failures.pop()
        return echo(event)

    guarded = gateway(authorizer)
    reason = "Unauthorized" if status == 401 else f"authorizer failed: RuntimeError({message!r})"
    assert [guarded.request("GET", "/pets", "t") for _ in range(2)] == [Response(status, True, ("t",), reason)] * 2
    assert [outcome(guarded.request("GET", "/pets", "t")) for _ in range(2)] == [(200, True), (200, False)]


@pytest.mark.parametrize(
    ("options", "status"), [({}, 403), ({"resource_policy_allows": False}, 403), ({"resource_policy_allows": True}, 200)]
)
def test_silence_beside_a_resource_policy(options: dict[str, Any], status: int) -> None:
    """ "How API Gateway resource policies affect authorization workflow", table A: silence and Allow is allow, any deny is deny."""
    silent = gateway(lambda event: answer(f"{API}/prod/GET/elsewhere"), **options)
    denying = gateway(lambda event: answer("*", "Deny"), **options)
    reason = "User is not authorized to access this resource" if status == 403 else "allowed by the resource policy"
    assert silent.request("GET", "/pets", "t") == Response(status, True, ("t",), reason)
    assert denying.request("GET", "/pets", "t").status == 403


def test_conditions_see_the_time_of_each_request() -> None:
    """A remembered allow dies at the moment that its own condition names."""
    clock = Clock()
    until: dict[str, Any] = answer("*")
    until["policyDocument"]["Statement"][0]["Condition"] = {
        "NumericLessThan": {"aws:EpochTime": "1795398700"},
        "DateLessThan": {"aws:CurrentTime": "2026-11-23T01:51:41Z"},
    }
    guarded = gateway(lambda event: until, clock=clock)
    assert outcome(guarded.request("GET", "/pets", "t")) == (200, True)
    clock.now = 1_795_398_699.9
    assert outcome(guarded.request("GET", "/pets", "t")) == (200, False)
    clock.now = 1_795_398_700
    assert outcome(guarded.request("GET", "/pets", "t")) == (403, False)


def test_an_unknown_route_is_refused_before_anything_else() -> None:
    """ "Gateway response types": MISSING_AUTHENTICATION_TOKEN, also for an unsupported method or resource."""
    assert gateway(echo).request("GET", "/nothing", None) == Response(403, False, None, "Missing Authentication Token")


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 414)])
def test_a_method_arn_has_at_most_1600_bytes(extra: int, status: int) -> None:
    """ "API Gateway quotas": longer is 414. Counted in bytes: the last letter has two."""
    room = 1600 - len(f"{API}/prod/GET/pets/") - 2 + extra
    response = gateway(lambda event: answer("*")).request("GET", f"/pets/{'x' * room}\u00e9", "t")
    assert outcome(response) == (status, status == 200)
    assert response.reason == {200: "allowed by the authorizer", 414: "Request URI too long"}[status]


def test_what_the_authorizer_is_told() -> None:
    """ "Input to an API Gateway Lambda authorizer"."""
    asked = Authorizer(echo)
    gateway(asked, kind="TOKEN").request("GET", "/pets/%31/", "Bearer t")
    gateway(asked).request("GET", "/pets/%31/", "Bearer t")
    gateway(asked, router=Router(ROUTES, arn_decoded=True)).request("GET", "/pets/%31/", "Bearer t")
    token, request, decoded = asked.events
    assert token == {"type": "TOKEN", "methodArn": f"{API}/prod/GET/pets/%31/", "authorizationToken": "Bearer t"}
    assert (request["methodArn"], request["path"], request["resource"]) == (f"{API}/prod/GET/pets/%31/", "/pets/%31/", "/pets/{petId}")
    assert (request["pathParameters"], request["headers"]["Authorization"]) == ({"petId": "%31"}, "Bearer t")
    assert (decoded["methodArn"], decoded["path"]) == (f"{API}/prod/GET/pets/1/", "/pets/%31/")


@pytest.mark.parametrize(("decoded", "spelled"), [(False, "%2a"), (True, "${*}")])
def test_the_arn_is_judged_as_the_authorizer_was_told_it(decoded: bool, spelled: str) -> None:
    guarded = gateway(lambda event: answer(f"{API}/prod/GET/pets/{spelled}"), router=Router(ROUTES, arn_decoded=decoded))
    assert guarded.request("GET", "/pets/%2a", "t").status == 200


NOT_FLAT = "context that is not a flat map of strings, numbers and booleans"


@pytest.mark.parametrize(
    ("returned", "problem"),
    [
        (None, "not an object"),
        ([], "not an object"),
        ({}, "no principalId; no policyDocument"),
        ({"isAuthorized": True}, "no principalId; no policyDocument"),
        ({**answer("*"), "principalId": None}, "no principalId"),
        ({**answer("*"), "principalId": ""}, "no principalId"),
        ({**answer("*"), "principalId": 7}, "no principalId"),
        ({**answer("*"), "policyDocument": "{}"}, "no policyDocument"),
        (answer("*", context={"groups": ["a"]}), NOT_FLAT),
        (answer("*", context={"groups": {}}), NOT_FLAT),
        (answer("*", context={"groups": None}), NOT_FLAT),
        (answer("*", context="groups"), NOT_FLAT),
        (answer("*", context={"score": float("nan")}), "not JSON"),
        (answer("*", context={"at": {1}}), "not JSON"),
        (answer("x" * 513), "a Resource over 512 characters"),
        (answer(["*", "x" * 513]), "a Resource over 512 characters"),
        (answer("*", context={"note": "x" * 8192}), "over 8192 bytes"),
    ],
)
def test_a_malformed_answer_is_a_500_and_forgotten(returned: object, problem: str) -> None:
    """ "Output from an API Gateway Lambda authorizer" and, for the size, the WebSocket quota."""
    guarded = gateway(lambda event: returned)
    for _ in range(2):
        response = guarded.request("GET", "/pets", "t")
        assert outcome(response) == (500, True)
        assert response.reason.split(": ")[:2] == ["authorizer configuration error", problem]


def test_what_is_just_within_the_limits() -> None:
    empty = len(json.dumps(answer("*", context={"note": ""})))
    assert answer_problem(answer("*", context={"note": "x" * (8192 - empty)})) is None
    assert answer_problem(answer("*", context={"note": "x" * (8193 - empty)})) == "over 8192 bytes"
    assert answer_problem(answer("x" * 512, context={"a": "text", "b": 1, "c": 0.5, "d": True})) is None
    assert answer_problem({**answer("*"), "policyDocument": {"Statement": answer("x" * 513)["policyDocument"]}}) is None
    single = {"Statement": {"Resource": "x" * 513}}
    assert answer_problem({"principalId": "someone", "policyDocument": single}) == "a Resource over 512 characters"


def test_a_policy_that_the_evaluator_does_not_know_is_no_status() -> None:
    with pytest.raises(UnsupportedPolicyError):
        gateway(lambda event: answer("*", "Perhaps")).request("GET", "/pets", "t")


@pytest.mark.parametrize(
    ("kind", "identity", "ttl"),
    [
        ("TOKEN", [], 0),
        ("TOKEN", ["context.path"], 0),
        ("TOKEN", ["header.Authorization", "context.path"], 300),
        ("REQUEST", [], 1),
        ("REQUEST", ["path.petId"], 300),
        ("REQUEST", ["header.Authorization"], 3601),
        ("REQUEST", ["header.Authorization"], -1),
    ],
)
def test_authorizers_that_cannot_be_created(kind: Literal["REQUEST", "TOKEN"], identity: list[str], ttl: float) -> None:
    """ "Configure a Lambda authorizer", "CreateAuthorizer": one header for TOKEN, a key for a cache, at most an hour."""
    with pytest.raises(ValueError, match="identity source"):
        gateway(echo, kind=kind, identity=identity, ttl=ttl)
    assert gateway(echo, ttl=3600).request("GET", "/pets", "t").status == 200


def test_the_answer_is_stored_as_it_was_when_given() -> None:
    shared: dict[str, Any] = answer("*")
    guarded = gateway(lambda event: shared)
    guarded.request("GET", "/pets", "t")
    shared["policyDocument"]["Statement"][0]["Effect"] = "Deny"
    assert outcome(guarded.request("GET", "/pets", "t")) == (200, False)


def captured(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_captured_events_say_what_they_expect(path: Path) -> None:
    """Both halves of a file are written by hand; this keeps them about the same request."""
    file = captured(path)
    assert list(file) == ["description", "event", "expected"]
    event, expected = file["event"], file["expected"]
    fields = ["format", "partition", "region", "account", "api_id", "stage", "verb", "path", "template", "token"]
    assert list(expected) == fields + ["error"] * (expected["token"] is None)
    assert expected.get("error") in (None, "missing_token", "several_authorization_values")
    prefix = f"arn:{expected['partition']}:execute-api:{expected['region']}:{expected['account']}:{expected['api_id']}"
    assert event["methodArn"] == f"{prefix}/{expected['stage']}/{expected['verb']}/{expected['path']}"
    assert path.stem.startswith(expected["format"])
    assert event["type"] == expected["format"].removeprefix("rest_").upper()
    # A TOKEN authorizer is told no template, or, by serverless-offline, one that counts for nothing.
    assert expected["template"] == (event.get("resource") if expected["format"] == "rest_request" else None)
    sent = [event["authorizationToken"]] if "authorizationToken" in event else []
    for name, value in (event.get("headers") or {}).items():
        sent += (event.get("multiValueHeaders") or {}).get(name, [value]) if name.lower() == "authorization" else []
    told = [value for value in sent if value]
    error = {0: "missing_token", 1: None}.get(len(told), "several_authorization_values")
    assert expected.get("error") == error
    assert error or told == [f"Bearer {expected['token']}"]
    assert all(value.endswith("not.a.token") for value in told)


def test_the_builders_write_the_shape_of_the_captured_events() -> None:
    """Same keys all the way down, apart from headers that only a real network adds."""
    events = {path.stem: captured(path)["event"] for path in EVENTS}
    assert rest_token_event() == events["rest_token_plain"]
    built = rest_request_event(path_parameters={"orderId": "42"}, query=[("page", "1"), ("page", "2")], stage_variables={"tier": "gold"})
    real = events["rest_request_plain"]
    added = {"Accept", "X-Amzn-Trace-Id", "X-Forwarded-Port", "X-Forwarded-Proto"}
    for headers in ("headers", "multiValueHeaders"):
        real[headers] = {name: value for name, value in real[headers].items() if name not in added}
    assert built == real
    bare = rest_request_event("GET", "/orders", "/orders", headers=[])
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    assert [bare[name] for name in maps] == [events["rest_request_null_maps"][name] for name in maps] == [None] * 4


def test_the_builders_know_where_an_api_is_deployed() -> None:
    china = Deployment("$default", "aws-cn", "cn-north-1", "444455556666", "z9y8x7w6v5")
    event = rest_request_event("GET", "//a%2Fb/", "/{x}", arn_path="//a/b/", deployment=china)
    assert event["methodArn"] == "arn:aws-cn:execute-api:cn-north-1:444455556666:z9y8x7w6v5/$default/GET//a/b/"
    context = event["requestContext"]
    assert (context["path"], context["stage"], context["accountId"]) == ("/$default//a%2Fb/", "$default", "444455556666")
    assert context["domainName"] == "z9y8x7w6v5.execute-api.cn-north-1.amazonaws.com.cn"
    assert rest_token_event("GET", "/", deployment=china)["methodArn"].endswith(":z9y8x7w6v5/$default/GET/")

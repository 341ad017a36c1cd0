"""Which requests reach the emulator, told by their heads and signatures, without an emulator."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.request_guard import RequestGuard, guarded
from infra.local.state import AccessKey

KEY = AccessKey("AKIA" + "B" * 16, "the-secret-of-this-stack")
GUARD = RequestGuard(4599, KEY)
OWN, API = "127.0.0.1:4599", "0a1b2c3d.execute-api.localhost:4599"
SESSION = AccessKey("ASIA" + "A" * 16, "of a function's role")
SIGN_IN = {"x-amz-target": "AWSCognitoIdentityProviderService.InitiateAuth"}


def request(method: str, path: str, headers: Mapping[str, str], *, query: str = "", kind: str = "http") -> dict[str, Any]:
    """The ASGI scope of a request."""
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "raw_path": quote(path).encode(), "query_string": query.encode(), "headers": fields}
    return scope if kind == "websocket" else scope | {"method": method}


def signed(key: AccessKey, *, body: bytes = b"{}", service: str = "dynamodb") -> dict[str, Any]:
    """A request that the AWS SDK signed."""
    prepared = AWSRequest("POST", f"http://{OWN}/", data=body, headers={"X-Amz-Target": "DynamoDB_20120810.ListTables", "Host": OWN})
    SigV4Auth(Credentials(key.id, key.secret), service, "us-east-1").add_auth(prepared)
    return request("POST", "/", {name.lower(): value for name, value in prepared.headers.items()})


def status(scope: dict[str, Any], body: bytes = b"{}") -> tuple[int, bytes]:
    """How the guarded application ends: 200 and the body that it got, or the refusal."""
    sent: list[Any] = []

    async def app(_scope: object, receive: Any, send: Any) -> None:
        got = b""
        while True:
            message = await receive()
            got += message.get("body", b"")
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": got})

    messages = [{"type": "http.request", "body": body[:1], "more_body": True}, {"type": "http.request", "body": body[1:]}]
    if scope["type"] == "websocket":
        messages = [{"type": "websocket.connect"}]

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guarded(app, GUARD)(scope, receive, send))
    if sent[0]["type"] == "websocket.close":
        return sent[0]["code"], b""
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("host", [OWN, "localhost:4599", "LOCALHOST:4599", "gatebook-code.s3.localhost:4599", API])
def test_a_name_of_its_own_is_answered(host: str) -> None:
    assert GUARD.refusal(request("GET", "/_ministack/health", {"host": host})) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example:4599", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:4599", "evillocalhost:4599", "127.0.0.1.nip.io:4599"],
)
def test_a_name_that_was_made_to_lead_here_is_not(host: str) -> None:
    headers = {"host": host} if host else {}
    assert "Host" in str(GUARD.refusal(request("GET", "/_ministack/health", headers)))
    assert "Host" in str(GUARD.refusal(request("GET", "/v1", headers, kind="websocket")))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:4599"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:4599.evil.example"},
        {"origin": "http://user@127.0.0.1:4599"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "Cross-Site", "origin": f"http://{API}"},
        {"sec-fetch-site": "same-origin,cross-site"},
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_page_of_another_origin_reaches_nothing(headers: dict[str, str], kind: str) -> None:
    for host, path in ((OWN, "/_ministack/health"), (API, "/v1/pets")):
        for method in ("GET", "POST", "OPTIONS"):
            assert "another origin" in str(GUARD.refusal(request(method, path, {"host": host, **headers}, kind=kind)))


ASKING = {"access-control-request-headers": "content-type,x-amz-target", "access-control-request-method": "POST"}


@pytest.mark.parametrize(("method", "asked"), [("OPTIONS", ASKING), ("POST", SIGN_IN)])
def test_the_console_signs_in_from_a_name_of_its_own(method: str, asked: dict[str, str]) -> None:
    page = {"host": OWN, "origin": f"http://{API}", "sec-fetch-site": "cross-site"}
    assert GUARD.refusal(request(method, "/", page | asked)) is None
    assert "another origin" in str(GUARD.refusal(request(method, "/", page | asked | {"origin": "http://evil.example"})))
    without_origin = {name: value for name, value in page.items() if name != "origin"}
    assert "another origin" in str(GUARD.refusal(request(method, "/", without_origin | asked)))
    assert "another origin" in str(GUARD.refusal(request(method, "/other", page | asked)))
    assert "another origin" in str(GUARD.refusal(request(method, "/", page)))
    assert "another origin" in str(GUARD.refusal(request(method, "/", page | asked | {"authorization": "AWS4-HMAC-SHA256"})))


@pytest.mark.parametrize(
    "headers", [{"origin": f"http://{API}", "sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"sec-fetch-site": "same-site"}]
)
def test_a_page_of_its_own_and_an_address_bar_reach_the_apis(headers: dict[str, str]) -> None:
    assert GUARD.refusal(request("GET", "/v1/pets", {"host": API, **headers})) is None


@pytest.mark.parametrize(
    "path", ["/_ministack/reset", "/_ministack/config", "/_ministack/health/", "/_aws/ses", "/_localstack/x", "/%5fministack/reset"]
)
@pytest.mark.parametrize("host", [OWN, API])
def test_the_emulators_own_doors_are_closed(path: str, host: str) -> None:
    assert "own doors" in str(GUARD.refusal(request("POST", path, {"host": host})))
    assert "own doors" in str(GUARD.refusal(request("POST", path, {**dict(_text(signed(KEY))), "host": host})))


def _text(scope: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in scope["headers"]]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/us-east-1_Fy7xopnry/.well-known/jwks.json", {}),
        ("POST", "/", SIGN_IN),
        ("POST", "/oauth2/token", {"authorization": "Basic Y2xpZW50OnNlY3JldA=="}),
        ("GET", "/oauth2/authorize", {}),
        ("GET", "/v1/pets", {"host": API, "authorization": "Bearer a.b.c"}),
        ("PUT", "/admin/v1/apis/petstore", {"host": API}),
    ],
)
def test_what_is_public_needs_no_key(method: str, path: str, headers: dict[str, str]) -> None:
    assert GUARD.refusal(request(method, path, {"host": OWN, **headers})) is None


ROOTS = ["test", "000000000000", "", "AKIA", KEY.id.lower()]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/2015-03-31/functions", {}),
        ("POST", "/oauth2/token/2015-03-31/functions", {}),
        ("POST", "/", {"x-amz-target": "DynamoDB_20120810.PutItem"}),
        ("POST", "/2015-03-31/functions", SIGN_IN),
        ("GET", "/", SIGN_IN),
        ("POST", "/us-east-1_Fy7xopnry/.well-known/jwks.json", {}),
        ("GET", "/gatebook-code", {"authorization": "Bearer a.b.c"}),
        *(
            ("POST", "/", {**SIGN_IN, "authorization": f"AWS4-HMAC-SHA256 Credential={root}/20261127/us-east-1/x/aws4_request"})
            for root in ROOTS
        ),
        *(("POST", "/Execute", {"host": API, "authorization": f"AWS {root}:c2lnbmF0dXJl"}) for root in ROOTS),
    ],
)
def test_everything_else_needs_a_key(method: str, path: str, headers: dict[str, str]) -> None:
    assert "sign the request" in str(GUARD.refusal(request(method, path, {"host": OWN, **headers})))


@pytest.mark.parametrize(
    "query", ["X-Amz-Credential=test/20261127/us-east-1/s3/aws4_request", "a=b&x-amz-credential=test", "AWSAccessKeyId=test"]
)
@pytest.mark.parametrize("host", [OWN, API])
def test_a_key_in_the_query_is_taken_for_nobodys(query: str, host: str) -> None:
    assert "sign the request" in str(GUARD.refusal(request("GET", "/v1/pets", {"host": host}, query=query)))


def test_a_request_signed_with_the_stacks_key_arrives_whole() -> None:
    assert status(signed(KEY)) == (200, b"{}")


@pytest.mark.parametrize("secret", ["test", KEY.secret[:-1] + "g", ""])
def test_the_keys_id_without_its_secret_opens_nothing(secret: str) -> None:
    code, said = status(signed(AccessKey(KEY.id, secret)))
    assert code == 403
    assert b"signature" in said
    assert KEY.secret.encode() not in said


def test_a_signature_covers_body_head_and_time() -> None:
    assert status(signed(KEY), b'{"Limit":1}')[0] == 403
    for name, value in ((b"x-amz-target", b"DynamoDB_20120810.DeleteTable"), (b"x-amz-date", b"20200101T000000Z"), (b"x-amz-date", b"")):
        scope = signed(KEY)
        scope["headers"] = [(field, value if field == name else text) for field, text in scope["headers"]]
        assert status(scope)[0] == 403
    assert status(signed(KEY) | {"raw_path": b"/other"})[0] == 403
    assert status(signed(KEY) | {"query_string": b"a=b"})[0] == 403
    assert status(signed(KEY) | {"method": "DELETE"})[0] == 403


def test_keys_that_the_emulator_gave_out_are_its_own_to_check() -> None:
    assert status(signed(SESSION)) == (200, b"{}")


def test_a_websocket_connection_is_for_the_apis_host_alone() -> None:
    assert GUARD.refusal(request("GET", "/v1", {"host": API}, kind="websocket")) is None
    assert status(request("GET", "/v1", {"host": OWN}, kind="websocket")) == (1008, b"")
    assert status(request("GET", "/v1", {"host": API, "origin": "http://evil.example"}, kind="websocket")) == (1008, b"")


def test_other_events_of_the_server_pass() -> None:
    seen: list[str] = []

    async def app(scope: Mapping[str, Any], _receive: object, _send: object) -> None:
        seen.append(scope["type"])

    asyncio.run(guarded(app, GUARD)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]

"""Connections to Cognito and DynamoDB, over TLS and under their own names: whose word is taken for whom, and that nobody else's is."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import SSLError
from pynamodb.exceptions import GetError

from authorizer.errors import TroubleError
from authorizer.policy.permission import EVERYONE
from authorizer.settings import read_settings
from authorizer.table.reader import PermissionTable
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.wiring import build_handler
from tests.integration.gates import Context, bearer, request_event
from tests.support.authority import Authority
from tests.support.issuer import CLIENT_ID, NOW, POOL, Issuer

AMAZON, STRANGER = Authority("amazon"), Authority("stranger")
COGNITO, DYNAMODB, CHINA = "cognito-idp.eu-west-1.amazonaws.com", "dynamodb.eu-west-1.amazonaws.com", "dynamodb.cn-north-1.amazonaws.com.cn"
KEYS = f"https://{COGNITO}/{POOL}/.well-known/jwks.json"
ELSEWHERE = "https://login.example.com/jwks.json"

_OTHER_AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")

Vouched = Callable[[Authority], AbstractContextManager[list[str]]]


@pytest.fixture
def authorities(tmp_path: Path) -> str:
    """A zip's file of those that vouch for AWS."""
    file = tmp_path / "aws.pem"
    file.write_text(AMAZON.pem)
    return str(file)


@pytest.fixture
def vouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vouched:
    """Cognito, DynamoDB and another issuer on a port to which all names lead, with a certificate that this authority signed, and the requests that they get."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", *_OTHER_AUTHORITIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda _: None)

    @contextmanager
    def serving(authority: Authority) -> Iterator[list[str]]:
        certificate = tmp_path / "server.pem"
        certificate.write_text(authority.server_pem([COGNITO, DYNAMODB, CHINA, "login.example.com"]))
        requests: list[str] = []

        class Answer(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                self.answer(Issuer().jwks())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(b"{}")

            def answer(self, body: bytes) -> None:
                requests.append(self.headers["Host"])
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that trusts nobody here hangs up."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with Server(("127.0.0.1", 0), Answer) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.server_port))
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address])
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield requests
            finally:
                server.shutdown()
                thread.join()

    return serving


def system_trusts(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make OpenSSL and the AWS SDK take one authority's word where they are told of no other."""
    bundle = tmp_path / "system.pem"
    bundle.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setattr("botocore.httpsession.where", lambda: str(bundle))


def refused(call: Callable[[], object]) -> str:
    """The reason of a failure, which must be ours."""
    with pytest.raises(TroubleError) as caught:
        call()
    return caught.value.reason


def test_cognito_is_trusted_by_awss_authorities(vouched: Vouched, authorities: str) -> None:
    with vouched(AMAZON) as requests:
        assert fetch_jwks(KEYS, aws_authorities=authorities) == Issuer().jwks()
        assert requests == [COGNITO]


def test_for_cognito_no_strangers_word_is_taken(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(AMAZON, tmp_path, monkeypatch)
    with vouched(STRANGER) as requests:
        assert refused(lambda: fetch_jwks(KEYS, aws_authorities=authorities)) == "jwks_unavailable"
        assert requests == []


def test_a_new_authority_of_awss_is_found_in_the_systems_bundle(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(STRANGER, tmp_path, monkeypatch)
    with vouched(STRANGER) as requests:
        assert fetch_jwks(KEYS, aws_authorities=authorities) == Issuer().jwks()
        table = PermissionTable("t", "eu-west-1", aws_authorities=authorities)
        assert refused(lambda: table.read_head("petstore", consistent=False)) == "dynamodb_unavailable"
        for _ in range(2):
            assert table.read_head("petstore", consistent=False) is None
        assert requests == [COGNITO, DYNAMODB, DYNAMODB]


def test_the_bundle_is_asked_whichever_thread_meets_the_new_authority(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(STRANGER, tmp_path, monkeypatch)
    table = PermissionTable("t", "eu-west-1", aws_authorities=authorities)
    with vouched(AMAZON):
        assert table.read_head("petstore", consistent=False) is None
    with vouched(STRANGER) as requests:
        reasons: list[str] = []
        # The connection that the main thread made is closed by now, and rows are read by threads.
        thread = threading.Thread(target=lambda: reasons.append(refused(lambda: table.read_subject("petstore", EVERYONE, 1))))
        thread.start()
        thread.join()
        assert reasons == ["dynamodb_unavailable"]
        # A thread whose read failed at the same moment comes after the first and finds nothing left to do.
        with pytest.raises(TroubleError, match="SSLError"), table.trouble("petstore"):
            raise GetError(cause=SSLError(endpoint_url=DYNAMODB, error=OSError("refused")))
        assert table.read_head("petstore", consistent=False) is None
        assert requests == [DYNAMODB]


def test_both_authorities_have_the_time_of_one(vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system_trusts(STRANGER, tmp_path, monkeypatch)
    moments = iter([0.0, *[1.0] * 9])
    asked: list[float] = []

    def fetch(uri: str, seconds: float, aws_authorities: str | None) -> bytes:
        asked.append(seconds)
        raise TroubleError("jwks_unavailable", "no") from ssl.SSLCertVerificationError()

    monkeypatch.setattr("authorizer.tokens.jwks_fetch._fetch", fetch)
    monkeypatch.setattr("authorizer.tokens.jwks_fetch.time.monotonic", lambda: next(moments))
    assert refused(lambda: fetch_jwks(KEYS, seconds=2.5, aws_authorities=authorities)) == "jwks_unavailable"
    assert asked == [2.5, 1.5]
    asked.clear()
    moments = iter([0.0, 2.5])
    assert refused(lambda: fetch_jwks(KEYS, seconds=2.5, aws_authorities=authorities)) == "jwks_unavailable"
    assert asked == [2.5]


def test_another_issuer_is_trusted_by_the_systems_authorities_alone(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(STRANGER, tmp_path, monkeypatch)
    with vouched(STRANGER):
        assert fetch_jwks(ELSEWHERE, aws_authorities=authorities) == Issuer().jwks()
    with vouched(AMAZON) as requests:
        assert refused(lambda: fetch_jwks(ELSEWHERE, aws_authorities=authorities)) == "jwks_unavailable"
        assert requests == []


def test_a_certificate_of_another_name_is_refused(vouched: Vouched, authorities: str) -> None:
    with vouched(AMAZON) as requests:
        other = KEYS.replace("eu-west-1", "eu-west-2")
        assert refused(lambda: fetch_jwks(other, aws_authorities=authorities)) == "jwks_unavailable"
        assert requests == []


def test_dynamodb_is_trusted_by_awss_authorities(vouched: Vouched, authorities: str) -> None:
    with vouched(AMAZON) as requests:
        table = PermissionTable("t", "eu-west-1", aws_authorities=authorities)
        assert table.read_head("petstore", consistent=False) is None
        assert requests == [DYNAMODB]


def test_for_dynamodb_no_strangers_word_is_taken(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(AMAZON, tmp_path, monkeypatch)
    with vouched(STRANGER) as requests:
        table = PermissionTable("t", "eu-west-1", aws_authorities=authorities)
        for _ in range(3):
            assert refused(lambda: table.read_head("petstore", consistent=False)) == "dynamodb_unavailable"
        assert requests == []


def test_in_china_dynamodb_is_trusted_by_the_sdks_bundle(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(STRANGER, tmp_path, monkeypatch)
    with vouched(STRANGER) as requests:
        assert PermissionTable("t", "cn-north-1", aws_authorities=authorities).read_head("petstore", consistent=False) is None
        assert requests == [CHINA]


def handler_of_a_zip(authorities: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The handler of a function in Ireland whose zip has these authorities."""
    monkeypatch.setattr("authorizer.wiring.aws_authorities", lambda: authorities)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    settings = read_settings({"PERMISSIONS_TABLE": "t", "API": "petstore", "USER_POOL_ID": POOL, "APP_CLIENT_IDS": CLIENT_ID})
    return build_handler(settings, lambda: NOW)


def test_a_handler_asks_both_by_awss_authorities(vouched: Vouched, authorities: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with vouched(AMAZON) as requests:
        handler = handler_of_a_zip(authorities, monkeypatch)
        # The key set was fetched and the table was read, which is empty.
        assert refused(lambda: handler(request_event(bearer("guest")), Context())) == "nothing_published"
        assert requests == [COGNITO, DYNAMODB]


def test_a_stranger_in_cognitos_place_is_trouble_and_no_answer(vouched: Vouched, authorities: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with vouched(STRANGER) as requests:
        handler = handler_of_a_zip(authorities, monkeypatch)
        assert refused(lambda: handler(request_event(bearer("guest")), Context())) == "jwks_unavailable"
        assert requests == []


def test_authorities_of_a_network_that_inspects_tls_win(
    vouched: Vouched, authorities: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system_trusts(AMAZON, tmp_path, monkeypatch)
    network = tmp_path / "network.pem"
    network.write_text(STRANGER.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(network))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(network))
    with vouched(STRANGER) as requests:
        handler = handler_of_a_zip(authorities, monkeypatch)
        assert refused(lambda: handler(request_event(bearer("guest")), Context())) == "nothing_published"
        assert requests == [COGNITO, DYNAMODB]

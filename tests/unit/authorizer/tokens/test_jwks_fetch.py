"""Fetching a key set, over real connections: from no other place than the configured one, and within limits of size and time."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authorizer.errors import TroubleError
from authorizer.tokens.jwks import read_keys
from authorizer.tokens.jwks_fetch import fetch_jwks
from tests.support.http_replies import CHUNKED, UNTIL_CLOSE, reply
from tests.support.issuer import Issuer, rsa_key

US = Issuer()


def trouble(call: Callable[[], object]) -> str:
    """What a failure says; it must be ours and not the token's."""
    with pytest.raises(TroubleError) as caught:
        call()
    assert caught.value.reason == "jwks_unavailable"
    return str(caught.value)


class Server(HTTPServer):
    """Answers every request with the same steps: bytes are sent, numbers are seconds to wait, at most until the test is over."""

    def __init__(self, steps: tuple[bytes | float, ...]) -> None:
        self.paths: list[str] = []
        self.steps = steps
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what is tested here."""


class Handler(BaseHTTPRequestHandler):
    timeout = 5
    server: Server

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        for step in self.server.steps:
            if isinstance(step, bytes):
                self.wfile.write(step)
            else:
                self.server.over.wait(step)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's word
        """Says nothing."""


@contextmanager
def serving(*steps: bytes | float, certificate: Path | None = None) -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that it is asked for."""
    with Server(steps) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}", server.paths
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


GOOD_ANSWERS: dict[str, tuple[bytes | float, ...]] = {
    "with its length": (reply(b"body"),),
    "until the end of the connection": (UNTIL_CLOSE, b"body"),
    "in chunks": (CHUNKED, b"3\r\nbod\r\n", b"1\r\ny\r\n0\r\n\r\n"),
    "in pieces": (reply(b"body")[:-4], b"b", 0.01, b"o", 0.01, b"d", 0.01, b"y"),
    "of any type": (reply(b"body", headers="Content-Type: text/html\r\n"),),
}


@pytest.mark.parametrize("kind", GOOD_ANSWERS)
def test_the_body_is_fetched(kind: str) -> None:
    with serving(*GOOD_ANSWERS[kind]) as (address, paths):
        assert fetch_jwks(f"{address}/a/jwks.json?b=c") == b"body"
        assert paths == ["/a/jwks.json?b=c"]


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    with serving(reply(b"proxy")) as (proxy, asked), serving(reply(b"body")) as (address, _):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        assert fetch_jwks(f"{address}/") == b"body"
        assert asked == []


def test_a_failure_leaves_no_connection_open() -> None:
    """The server's answer ends with the connection, which then belongs to the answer."""
    failures = []
    with serving(b"HTTP/1.0 500 Oops\r\n\r\nno") as (address, _):
        before = len(list(Path("/dev/fd").iterdir()))
        for _ in range(10):
            with pytest.raises(TroubleError) as caught:
                fetch_jwks(address)
            failures.append(caught.value)
        assert len(list(Path("/dev/fd").iterdir())) <= before + 1


@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "206 Partial Content", "304 Not Modified", "404 Not Found", "500 Oops"]
)
def test_any_status_but_200_is_trouble(status: str) -> None:
    with serving(reply(US.jwks(), status)) as (address, _):
        assert f"status {status[:3]}" in trouble(lambda: fetch_jwks(address))


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_a_redirect_is_not_followed(status: str) -> None:
    with serving(reply(US.jwks())) as (elsewhere, followed):
        location = f"Location: {elsewhere}/elsewhere\r\n"
        with serving(reply(US.jwks(), f"{status} Moved", location)) as (address, paths):
            assert f"status {status}" in trouble(lambda: fetch_jwks(f"{address}/jwks"))
            assert (paths, followed) == (["/jwks"], [])


MIB = b" " * 2**20
TOO_LARGE: dict[str, tuple[bytes | float, ...]] = {
    "by one byte": (reply(b" " * 150_001),),
    "said to be nothing": (UNTIL_CLOSE, *[MIB] * 50),
    "said to be huge": (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", *[MIB] * 50),
    "one endless chunk": (CHUNKED, b"fffffff\r\n", *[MIB] * 50),
    "endless chunks": (CHUNKED, *[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 1000),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_key_set_beyond_150000_bytes_is_not_read_to_its_end(kind: str) -> None:
    with serving(*TOO_LARGE[kind]) as (address, _):
        assert "150000 bytes" in trouble(lambda: fetch_jwks(address))


def test_150000_bytes_are_read() -> None:
    with serving(reply(b" " * 150_000)) as (address, _):
        assert len(fetch_jwks(address)) == 150_000


DRIP = (b" ", 0.1) * 100
SLOW: dict[str, tuple[bytes | float, ...]] = {
    "no answer": (10.0,),
    "half a status line": (b"HTTP/1.1 20", 10.0),
    "no body": (reply(b" " * 1000)[:-1000], 10.0),
    "a dripping body": (reply(b" " * 1000)[:-1000], *DRIP),
    "a dripping body without length": (UNTIL_CLOSE, *DRIP),
    "a dripping status line": (b"HTTP/1.1 200 OK", *(b"K", 0.1) * 100),
    "dripping headers": (b"HTTP/1.1 200 OK\r\n", *(b"X: y\r\n", 0.1) * 100),
    "dripping interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n", 0.1) * 100,
    "a dripping chunk size": (CHUNKED, b"1;", *(b"x", 0.1) * 100),
    "dripping chunks": (CHUNKED, *(b"1\r\n \r\n", 0.1) * 100),
}


@pytest.mark.parametrize("kind", SLOW)
def test_a_slow_server_is_given_up_in_time(kind: str) -> None:
    with serving(*SLOW[kind]) as (address, _):
        started = time.monotonic()
        trouble(lambda: fetch_jwks(address, seconds=0.2))
        assert time.monotonic() - started < 3


BROKEN: dict[str, tuple[bytes | float, ...]] = {
    "hangs up": (),
    "hangs up within the status line": (b"HTTP/1.1 2",),
    "hangs up within the headers": (b"HTTP/1.1 200 OK\r\nContent-Len",),
    "hangs up within the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", US.jwks()[:-1]),
    "hangs up within a chunk": (CHUNKED, b"1000\r\n", US.jwks()),
    "sends no HTTP": (b"SSH-2.0-OpenSSH\r\n",),
    "sends bytes": (bytes(range(256)) * 10,),
    "sends an endless header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 70_000, b"\r\n\r\n"),
    "sends endless headers": (b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 200, b"\r\n"),
    "sends a chunk without size": (CHUNKED, b"xyz\r\n"),
    "sends a page": (reply(b"<html>maintenance</html>"),),
    "sends nothing": (reply(),),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_trouble(kind: str) -> None:
    with serving(*BROKEN[kind]) as (address, _):
        trouble(lambda: read_keys(fetch_jwks(address, seconds=5)))


def test_a_server_that_is_not_there_is_trouble() -> None:
    with serving() as (address, _):
        pass
    assert "ConnectionRefusedError" in trouble(lambda: fetch_jwks(address))


def test_a_name_that_is_not_known_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "gaierror" in trouble(lambda: fetch_jwks("https://keys.example/jwks"))


def test_a_name_without_an_address_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    assert "OSError" in trouble(lambda: fetch_jwks("https://keys.example/jwks"))


def test_the_second_address_answers_where_the_first_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as (dead, _):
        pass
    with serving(reply(b"body")) as (address, _):
        ports = [int(each.rpartition(":")[2]) for each in (dead, address)]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert fetch_jwks(address) == b"body"


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://keys.example/jwks",
            "http://10.0.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://0.0.0.0/",
            "http://2130706433/",
        ),
        *("http://127.0.0.1.example/", "http://127.0.0.1@keys.example/", "http://localhost.example/", "http:///jwks", "http:127.0.0.1/"),
        *("file:///etc/passwd", "ftp://127.0.0.1/", "ws://127.0.0.1/", "//127.0.0.1/", "127.0.0.1", "/jwks", ""),
    ],
)
def test_without_tls_only_this_host_is_asked(uri: str) -> None:
    assert "neither https nor on a loopback host" in trouble(lambda: fetch_jwks(uri))


def test_a_server_that_nobody_vouches_for_is_not_asked(tmp_path: Path) -> None:
    name, key, today = x509.Name([]), rsa_key("tls"), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, today - timedelta(1), today + timedelta(1))
    certificate = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate.write_bytes(private + builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    with serving(reply(US.jwks()), certificate=certificate) as (address, paths):
        assert "SSLCertVerificationError" in trouble(lambda: fetch_jwks(address))
        assert paths == []


ODD = ["https://127.0.0.1:99999/", "https://a b/", "https://127.0.0.1/é", "https://a..b/", "https://[::1"]


@pytest.mark.parametrize("uri", ODD)
def test_an_address_that_cannot_be_asked_is_trouble(uri: str) -> None:
    trouble(lambda: fetch_jwks(uri))


def test_query_without_path() -> None:
    with serving(reply(b"body")) as (address, paths):
        assert fetch_jwks(f"{address}?b=c") == b"body"
        assert paths == ["/?b=c"]

"""`gatebook issuer` asks a real server on the loopback address: what it prints an authorizer accepts, and what it cannot use it tells."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from admin_api.cli import discovery
from authorizer.settings import read_settings
from tests.integration.cli.conftest import Run, parsed
from tests.support.authority import Authority

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
Answer = tuple[int, dict[str, str], bytes]


class IssuerServer:
    """Answers by path, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.wait = 0.0
        ours = self

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client may hang up early, or not believe the certificate."""

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                ours.asked.append(self.path)
                status, headers, body = ours.answers.get(self.path, (404, {}, b"nothing here"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for at in range(0, len(body), 100_000):
                    try:
                        self.wfile.write(body[at : at + 100_000])
                    except OSError:
                        return
                    time.sleep(ours.wait)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
                """Says nothing."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, path: str = OPENID, **document: Any) -> None:
        """Put a document there."""
        whole = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | document
        self.answers[path] = 200, {"Content-Type": "application/json"}, json.dumps(whole).encode()

    def answers_with(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Put any answer where the document should be."""
        self.answers[OPENID] = status, headers, body


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[IssuerServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    ours = IssuerServer()
    thread = threading.Thread(target=ours.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield ours
    finally:
        ours.server.shutdown()
        thread.join()
        ours.server.server_close()


Ask = Callable[..., Any]


@pytest.fixture
def ask(run: Run, server: IssuerServer) -> Ask:
    """Ask the server with options that make an entry."""
    return lambda *more, path="": run("issuer", server.url + path, "--name", "partner", "--audience", "petstore", *more)


def test_what_is_printed_is_a_setting_that_an_authorizer_reads(ask: Ask, server: IssuerServer) -> None:
    server.says(id_token_signing_alg_values_supported=["RS256", "ES256", "HS256"])
    result = ask("--client-id", "web", "--client-id", "phone", "--groups-claim", "roles")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == [
        {
            "name": "partner",
            "issuer": server.url,
            "jwks_uri": f"{server.url}/keys",
            "token_use": "none",
            "groups_claim": "roles",
            "audience": ["petstore"],
            "client_ids": ["web", "phone"],
            "algorithms": ["RS256", "ES256"],
        }
    ]
    [issuer] = read_settings({"PERMISSIONS_TABLE": "t", "API": "a", "TRUSTED_ISSUERS": result.stdout}).issuers
    assert (issuer.name, issuer.issuer, sorted(issuer.client_ids)) == ("partner", server.url, ["phone", "web"])
    assert "group/partner:..." in result.stderr
    assert server.asked == [OPENID]


def test_for_programs_it_is_one_object(ask: Ask, server: IssuerServer) -> None:
    server.says()
    told = parsed(ask("--json"))
    assert told.keys() == {"kind", "document", "issuers", "notes"}
    assert (told["document"], told["issuers"][0]["issuer"]) == (server.url + OPENID, server.url)
    assert all(isinstance(note, str) for note in told["notes"])


def test_an_issuer_with_a_path_is_asked_below_it(ask: Ask, server: IssuerServer) -> None:
    realm = f"{server.url}/realms/shop"
    server.says(f"/realms/shop{OPENID}", issuer=realm, jwks_uri=f"{realm}/protocol/openid-connect/certs")
    told = parsed(ask("--json", path="/realms/shop"))
    assert (told["kind"], told["issuers"][0]["groups_claim"]) == ("Keycloak", "/realm_access/roles")


@pytest.mark.parametrize("place", [f"/a{OAUTH}", f"{OAUTH}/a"])
def test_the_oauth_document_is_taken_where_there_is_no_other(ask: Ask, server: IssuerServer, place: str) -> None:
    server.says(place, issuer=f"{server.url}/a")
    assert parsed(ask("--json", path="/a"))["document"] == server.url + place


def test_the_slash_at_the_end_is_the_issuers(ask: Ask, server: IssuerServer) -> None:
    server.says(issuer=f"{server.url}/", token_endpoint=f"{server.url}/oauth/token")
    told = parsed(ask("--json"))
    assert (told["kind"], told["issuers"][0]["issuer"]) == ("Auth0", f"{server.url}/")
    assert "with a slash at the end" in told["notes"][0]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--audience"),
        (("--name", "a b", "--audience", "x"), "`name` must be 1 to 32"),
        (("--groups-claim", "/a~b", "--audience", "x"), "`groups_claim` must be"),
    ],
)
def test_options_that_make_no_entry_ask_nobody(run: Run, server: IssuerServer, options: tuple[str, ...], says: str) -> None:
    result = run("issuer", server.url, *options)
    assert (result.exit_code, result.stdout, server.asked) == (2, "", [])
    assert says in result.stderr


def test_an_address_that_is_not_asked(run: Run) -> None:
    result = run("issuer", "http://id.example", "--audience", "x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "use https" in result.stderr


WRONG: dict[str, tuple[bytes, str]] = {
    "a page": (b"<html>Sign in</html>", "it is no JSON"),
    "no text": (b"\xff\xfe", "it is no JSON"),
    "a list": (b"[]", "names no `issuer`"),
    "no keys": (b'{"issuer": "https://id.example"}', "names no `issuer`"),
    "a number": (b'{"issuer": "https://id.example", "jwks_uri": 7}', "names no `issuer`"),
    "an escape": (b'{"issuer": "https://id.example/\\u001b[31m", "jwks_uri": "https://id.example/keys"}', "names no `issuer`"),
    "a very long name": (b'{"issuer": "https://' + b"x" * 2000 + b'", "jwks_uri": "https://id.example/keys"}', "names no `issuer`"),
    "a name twice": (b'{"issuer": "https://a.example", "issuer": "https://b.example", "jwks_uri": "https://b.example/k"}', "no JSON"),
    "too deep": (b"[" * 100_000, "it is no JSON"),
    "too long": (b" " * (discovery.MAX_BYTES + 1), f"more than {discovery.MAX_BYTES} bytes"),
    "another's": (b'{"issuer": "https://bank.example", "jwks_uri": "https://bank.example/keys"}', "gatebook issuer https://bank.example"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_is_no_document_of_this_issuer_makes_no_entry(ask: Ask, server: IssuerServer, case: str) -> None:
    body, says = WRONG[case]
    server.answers_with(body)
    result = ask()
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert "\x1b" not in result.stderr
    assert case == "another's" or f"{server.url}{OAUTH}: it is answered with status 404" in result.stderr


def test_a_redirect_is_told_and_not_followed(ask: Ask, server: IssuerServer) -> None:
    server.says("/elsewhere")
    server.answers_with(b"", 302, Location=f"{server.url}/elsewhere")
    result = ask()
    assert (result.exit_code, server.asked) == (1, [OPENID, OAUTH])
    assert f"leads to `{server.url}/elsewhere`, which is not followed" in result.stderr


def test_nobody_there_is_trouble(run: Run, server: IssuerServer) -> None:
    result = run("issuer", "http://127.0.0.1:1", "--audience", "x")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "check the address" in result.stderr


def test_a_name_that_stands_for_no_host_is_trouble(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.create_connection", unknown)
    result = run("issuer", "https://id.example", "--audience", "x")
    assert (result.exit_code, "Name or service not known" in result.stderr) == (4, True)


def test_only_a_server_with_a_certificate_for_its_name_is_believed(
    run: Run, server: IssuerServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, trusted = tmp_path / "server.pem", tmp_path / "trusted.pem"
    certificate.write_text(Authority("ours").server_pem(["localhost"]))
    trusted.write_text(Authority("ours").pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    url = f"https://localhost:{server.server.server_port}"
    server.says(issuer=url, jwks_uri=f"{url}/keys")
    options = ("--audience", "petstore", "--json")

    stranger = run("issuer", url, *options)
    assert (stranger.exit_code, stranger.stdout, server.asked) == (4, "", [])
    assert "certificate verify failed" in stranger.stderr
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    assert parsed(run("issuer", url, *options))["issuers"][0]["jwks_uri"] == f"{url}/keys"
    other_name = run("issuer", url.replace("localhost", "127.0.0.1"), *options)
    assert (other_name.exit_code, "certificate verify failed" in other_name.stderr) == (4, True)


def test_a_document_that_drips_is_not_waited_for(ask: Ask, server: IssuerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "SECONDS", 0.4)
    server.wait = 0.2
    server.answers_with(b" " * 900_000)
    started = time.monotonic()
    result = ask()
    assert (result.exit_code, time.monotonic() - started < 3) == (4, True)
    assert "try again" in result.stderr


def test_a_silent_server_is_not_waited_for(ask: Ask, server: IssuerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "SECONDS", 0.2)
    server.wait = 1
    server.answers_with(b" " * 100_001)
    result = ask()
    assert (result.exit_code, "try again" in result.stderr) == (4, True)


def test_the_help_teaches_by_an_example(run: Run) -> None:
    result = run("issuer", "--help")
    assert result.exit_code == 0
    assert "Example: gatebook issuer https://" in " ".join(result.stdout.split())

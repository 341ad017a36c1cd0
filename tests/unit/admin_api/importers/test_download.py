"""Which addresses are asked for a definition, and what of their answers is taken."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from admin_api.importers import download as module
from admin_api.importers.download import download, file_name, is_address, shown_address
from admin_api.importers.foreign_text import ForeignText, read_foreign
from admin_api.importers.imported import ImportSourceError

ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/v1/openapi.json": (200, {}, b"{}"),
    "/large": (200, {}, b"x" * 200_000),
    "/short": (200, {"Content-Length": "100"}, b"x"),
    "/missing": (404, {}, b"secret page"),
    "/to-http": (302, {"Location": "http://169.254.169.254/latest/meta-data?secret=1"}, b""),
    "/to-loopback": (301, {"Location": "/v1/openapi.json"}, b""),
    "/to-file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/to-https": (302, {"Location": "https://127.0.0.1:1/x"}, b""),
}


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/none"):
            return
        status, headers, body = ANSWERS[self.path.partition("?")[0]]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's word
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answering) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_an_address_is_read_as_a_file_is(server: str) -> None:
    assert read_foreign(f"{server}/v1/openapi.json?token=1") == ForeignText("openapi.json", "{}")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/missing", "status 404"),
        ("/to-http", "leads to http://169.254.169.254/latest/meta-data, which is not asked"),
        ("/to-loopback", "which is not asked"),
        ("/to-file", "status 302"),
        ("/to-https", "cannot be asked"),
        ("/short", "no whole answer"),
        ("/none", "no whole answer"),
        ("/large", "more than 100000 bytes"),
    ],
)
def test_what_is_not_taken_says_why(server: str, path: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    with pytest.raises(ImportSourceError, match=words) as told:
        download(f"{server}{path}?secret=1")
    assert "secret" not in str(told.value)


def test_an_answer_that_goes_on_and_on_has_an_end(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, *[100.0] * 100])
    monkeypatch.setattr("admin_api.importers.download.time.monotonic", lambda: next(times))
    with pytest.raises(ImportSourceError, match="took more than 10 s"):
        download(f"{server}/large")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://shop.example/openapi.json?secret=1", "use https"),
        ("ftp://shop.example/x", "use https"),
        ("file:///etc/passwd", "is no address"),
        ("https://", "is no address"),
        ("https://a b/", "is no address"),
        ("https://\u00e4.example/", "is no address"),
        ("https://[x/", "is no address"),
        ("https://a:x/", "is no address"),
        ("https://me:secret@shop.example/x", "leave out the user's name"),
        ("http://127.0.0.1@shop.example/x", "leave out the user's name"),
        ("http://127.0.0.1.shop.example/x", "use https"),
        ("http://127.0.0.1:1/x", "cannot be asked"),
    ],
)
def test_which_addresses_are_not_asked(url: str, words: str) -> None:
    with pytest.raises(ImportSourceError, match=words) as told:
        download(url)
    assert "secret" not in str(told.value)


def test_how_addresses_are_shown() -> None:
    assert shown_address("https://me:x@a.example/b@c?d=/e#f") == "https://a.example/b@c"
    assert [
        file_name(url)
        for url in ("https://a.example/v1/x.yaml?a=/b", "https://a.example/", "https://a.example", "https://a.example/x%20y/")
    ] == [
        *("x.yaml", "definition", "definition", "x y"),
    ]
    assert [is_address(text) for text in ("https://a", "a.yaml", "a/b", "C:\\a")] == [True, False, False, False]

"""Fetches a definition from an https address. It guards an API, so that nobody on the way may have changed it."""

import http.client
import time
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from admin_api.importers.imported import ImportSourceError

MAX_BYTES = 32_000_000
"""What a source may have. The largest public definitions have about twelve million bytes."""

SECONDS = 10
"""How long each wait for a server may be, and a download as a whole."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_address(where: str) -> bool:
    """Return whether an argument is an address and no file: `https://shop.example/openapi.json`."""
    return "://" in where


def shown_address(url: str) -> str:
    """Return an address as messages may show it. Its query may be a secret, and so may a user's name: `https://a.example/x?token=1` -> `https://a.example/x`."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def file_name(url: str) -> str:
    """Return the last part of an address's path, as a file's name: `https://shop.example/v1/openapi.json` -> `openapi.json`."""
    return unquote(shown_address(url).partition("://")[2].partition("/")[2].rstrip("/").rpartition("/")[2]) or "definition"


def download(url: str) -> bytes:
    """Return what an address gives. Raises `ImportSourceError` where it is not asked, does not answer, or gives too much."""
    _check(url)
    address, deadline, body = shown_address(url), time.monotonic() + SECONDS, b""
    # Proxies are those of the environment: an admin's machine may have no other way out.
    opener = build_opener(_SecureRedirects)
    try:
        with opener.open(Request(url, headers={"User-Agent": "gatebook"}), timeout=SECONDS) as response:  # noqa: S310  # https, or http on a loopback host
            while piece := response.read1(65_536):
                body += piece
                if len(body) > MAX_BYTES:
                    raise ImportSourceError(f"{address}: it has more than {MAX_BYTES} bytes: name a smaller one")
                if time.monotonic() > deadline:
                    raise ImportSourceError(f"{address}: it took more than {SECONDS} s: download it by other means and name the file")
            # A part of a definition in YAML is one as well, with fewer routes.
            if response.length:
                raise ImportSourceError(f"{address}: it gave no whole answer ({response.length} bytes are missing): try again")
    except HTTPError as error:
        with error:
            raise ImportSourceError(
                f"{address}: it is answered with status {error.code}: download it by other means and name the file"
            ) from None
    except URLError as error:
        raise ImportSourceError(f"{address}: it cannot be asked ({error.reason}): check the address, the network and HTTPS_PROXY") from None
    except (OSError, http.client.HTTPException) as error:
        raise ImportSourceError(f"{address}: it gave no whole answer ({type(error).__name__}): try again") from None
    return body


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or not url.isascii() or not url.isprintable() or " " in url:
        raise ImportSourceError(f"`{shown_address(url)}` is no address: write it as in `https://shop.example/openapi.json`")
    if parts.username is not None:
        raise ImportSourceError(f"{shown_address(url)}: leave out the user's name: download it by other means and name the file")
    if parts.scheme != "https" and (parts.scheme != "http" or host not in LOOPBACK):
        raise ImportSourceError(
            f"{shown_address(url)}: it is not asked, since anybody on the way could change it: use https (http is for localhost, 127.0.0.1 and ::1)"
        )


class _SecureRedirects(HTTPRedirectHandler):
    """Follows a redirect to https only."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        """Return the next request. Raises `ImportSourceError` for anything but https."""
        if urlsplit(newurl).scheme != "https":
            fp.close()
            raise ImportSourceError(
                f"{shown_address(req.full_url)}: it leads to {shown_address(newurl)}, which is not asked: name an address that stays with https"
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)

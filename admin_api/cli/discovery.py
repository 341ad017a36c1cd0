"""Asks an issuer's discovery document (OpenID Connect Discovery 1.0 section 4, RFC 8414 section 3) over HTTP, from an admin's machine."""

import http.client
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from admin_api.documents.strict_json import read_json
from authorizer.policy.problems import DocumentError

MAX_BYTES = 1_000_000
SECONDS = 10
"""What one document may take, and how long each wait for its server may be."""

MAX_ADDRESS = 1_000

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class DiscoveryError(Exception):
    """What the issuer says cannot be used: the message says what to ask in its place."""


class IssuerUnreachableError(Exception):
    """The issuer does not answer."""


class AddressError(Exception):
    """The address is none that can be asked."""


class Discovered(NamedTuple):
    """A discovery document, and where it was found."""

    url: str
    document: Mapping[str, Any]


def asked_issuer(text: str) -> str:
    """Return the issuer that an argument names: its address, or that of its discovery document. Raises `AddressError` if it cannot be asked.

    `https://id.example/.well-known/openid-configuration` -> `https://id.example`
    """
    issuer = text.strip()
    for ending in (OPENID, OAUTH):
        issuer = issuer.removesuffix(ending)
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host = None
    if host is None or not issuer.isascii() or not issuer.isprintable() or " " in issuer:
        raise AddressError(f"`{text}` is no address: name the issuer, such as `https://id.example/realms/shop`")
    if parts.path.rstrip("/").endswith("/adfs/services/trust"):
        raise AddressError(f"AD FS answers elsewhere than its access tokens say: ask `gatebook issuer https://{host}/adfs`")
    if parts.scheme != "https" and (parts.scheme != "http" or host not in LOOPBACK):
        raise AddressError(
            f"`{issuer}` is not asked, since anybody on the way could name keys: use https (http is for localhost, 127.0.0.1 and ::1)"
        )
    if parts.query or parts.fragment or parts.username is not None:
        raise AddressError(f"`{issuer}` is no issuer: leave out what follows `?` or `#`, and a user's name")
    return issuer


def candidates(issuer: str) -> list[str]:
    """Return where the document of an issuer may be. RFC 8414 puts its own before the path: `https://id.example/a` -> `https://id.example/.well-known/.../a`."""
    base = issuer.rstrip("/")
    parts = urlsplit(base)
    places = [base + OPENID, base + OAUTH]
    return [*places, f"{parts.scheme}://{parts.netloc}{OAUTH}{parts.path}"] if parts.path else places


def discover(issuer: str) -> Discovered:
    """Return the issuer's document from the first place that has one.

    Raises `IssuerUnreachableError` if nobody answers, `DiscoveryError` if no answer is such a document.
    """
    found_instead: list[str] = []
    for url in candidates(issuer):
        try:
            return Discovered(url, _read(_fetch(url)))
        except DiscoveryError as error:
            found_instead.append(f"{url}: {error}")
    raise DiscoveryError(
        "\n".join(
            [
                f"`{issuer}` has no discovery document; look for its issuer in the directory's own pages, or write the entry by hand",
                *found_instead,
            ]
        )
    )


class _StayHere(HTTPRedirectHandler):
    """Follows no redirect: an issuer is who answers at its own address."""

    def redirect_request(self, *_: Any) -> None:
        """Return nothing, so that the redirect is an error with its status."""


def _fetch(url: str) -> bytes:
    deadline = time.monotonic() + SECONDS
    body = b""
    # Proxies are those of the environment: an admin's machine may have no other way out.
    opener = build_opener(_StayHere)
    try:
        with opener.open(Request(url, headers={"Accept": "application/json", "User-Agent": "gatebook"}), timeout=SECONDS) as response:  # noqa: S310  # https, or http on a loopback host
            while piece := response.read1(65_536):
                body += piece
                if len(body) > MAX_BYTES:
                    raise DiscoveryError(f"it has more than {MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise IssuerUnreachableError(f"{url} took more than {SECONDS} s: try again, or from another network")
    except HTTPError as error:
        with error:
            raise DiscoveryError(_status(error)) from None
    except URLError as error:
        raise IssuerUnreachableError(
            f"{url} cannot be asked ({error.reason}): check the address, this machine's network and HTTPS_PROXY, or run this where the issuer is reachable"
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise IssuerUnreachableError(f"{url} gave no whole answer ({type(error).__name__}): try again") from None
    return body


def _status(error: HTTPError) -> str:
    place = error.headers.get("Location", "")
    if HTTPStatus.MULTIPLE_CHOICES <= error.code < HTTPStatus.BAD_REQUEST and place:
        return f"it leads to `{place[:200]}`, which is not followed: ask the issuer at its own address"
    return f"it is answered with status {error.code}"


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(body.decode("utf-8"))
    except (UnicodeDecodeError, DocumentError):
        raise DiscoveryError("it is no JSON") from None
    if not isinstance(document, dict) or not all(_is_address(document.get(name)) for name in ("issuer", "jwks_uri")):
        raise DiscoveryError("it names no `issuer` with a `jwks_uri`")
    return document


def _is_address(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ADDRESS and value.isascii() and value.isprintable()

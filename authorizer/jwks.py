"""An issuer's signing keys: fetched, checked, kept, and fetched again, without letting tokens or a dead issuer set the pace.

Follows RFC 7517 for the key set and the Cognito developer guide, "Verifying JSON web tokens": keys may rotate, so an unknown `kid` is a reason to ask again.
"""

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from authorizer.errors import TokenError, TroubleError

ALGORITHM = "RS256"
MIN_KEY_BITS = 2048
MAX_BYTES = 150_000
FETCH_SECONDS = 2.5

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class KeySet:
    """The keys of one issuer by `kid`. Times are in seconds; `fetch` gives the document's bytes or raises `TroubleError`.

    One fetch happens at a time. A `kid` that is not known is asked for once per `unknown_kid_cooldown`, and after a fetch that failed nobody
    asks for `failed_fetch_cooldown`, so that neither made-up tokens nor a dead issuer cost a fetch per request. Keys older than `max_age` are
    fetched again; if that fails they serve for `max_stale` more.
    """

    def __init__(
        self,
        uri: str,
        *,
        fetch: Callable[[str], bytes],
        now: Callable[[], float],
        max_age: float = 3600,
        max_stale: float = 3600,
        unknown_kid_cooldown: float = 10,
        failed_fetch_cooldown: float = 5,
    ) -> None:
        self._uri = uri
        self._fetch = fetch
        self._now = now
        self._max_age = max_age
        self._max_stale = max_stale
        self._unknown_kid_cooldown = unknown_kid_cooldown
        self._failed_fetch_cooldown = failed_fetch_cooldown
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None

    def key(self, kid: str) -> Key:
        """The key of that name, built once and pinned to RS256.

        Raises `TokenError` if the issuer has no such key, `TroubleError` if that cannot be found out.
        """
        with self._lock:
            age = self._age()
            if age is None or not 0 <= age < self._max_age:
                self._renew(required=kid not in self._keys or age is None or not 0 <= age < self._max_age + self._max_stale)
            elif kid not in self._keys and age >= self._unknown_kid_cooldown:
                self._renew(required=True)
            key = self._keys.get(kid)
        if key is None:
            raise TokenError("unknown_kid", "the token is signed with a key that its issuer does not publish")
        return key

    @property
    def is_stale(self) -> bool:
        """Whether the keys are beyond their maximum age, since they could not be fetched anew."""
        age = self._age()
        return age is not None and not 0 <= age < self._max_age

    def _age(self) -> float | None:
        return None if self._fetched_at is None else self._now() - self._fetched_at

    def _renew(self, *, required: bool) -> None:
        """Fetch the keys. If that fails, or failed a moment ago, raise `TroubleError` only if they are `required`."""
        now = self._now()
        if self._failed_at is not None and 0 <= now - self._failed_at < self._failed_fetch_cooldown:
            if required:
                raise TroubleError("jwks_unavailable", f"key set `{self._uri}` could not be fetched a moment ago")
            return
        try:
            self._keys = read_keys(self._fetch(self._uri))
        except TroubleError:
            self._failed_at = self._now()
            if required:
                raise
            return
        self._fetched_at, self._failed_at = now, None


def read_keys(document: bytes) -> dict[str, Key]:
    """The usable keys of a key set, ready to verify. Two keys of one `kid` are both left out.

    Raises `TroubleError` if it is no key set or has no usable key.
    """
    try:
        entries = json.loads(document)["keys"]
        usable = [entry for entry in entries if _is_usable(entry)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TroubleError("jwks_unavailable", "the key set is not a JSON object with a list of keys") from None
    names = [entry["kid"] for entry in usable]
    keys = {entry["kid"]: key for entry in usable if names.count(entry["kid"]) == 1 and (key := _build(entry)) is not None}
    if not keys:
        raise TroubleError("jwks_unavailable", "the key set has no RSA key for RS256 signatures of at least 2048 bits")
    return keys


def _is_usable(entry: Any) -> bool:
    """RSA, for signatures, for RS256 or not said (RFC 7517 sections 4.1 to 4.5)."""
    return (
        isinstance(entry, dict)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
        and isinstance(operations := entry.get("key_ops", ["verify"]), list)
        and "verify" in operations
        and isinstance(entry.get("kid"), str)
        and entry["kid"] != ""
        and all(isinstance(entry.get(part), str) for part in ("n", "e"))
    )


def _build(entry: Mapping[str, Any]) -> Key | None:
    # Only the public numbers go in, whatever else the entry holds.
    try:
        key = jwk.construct({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, ALGORITHM)
        size: int = key.prepared_key.key_size  # type: ignore[attr-defined]  # what its cryptography backend adds
    except (JOSEError, ValueError, TypeError, AttributeError):
        return None
    return key if size >= MIN_KEY_BITS else None


def fetch_jwks(uri: str, *, seconds: float = FETCH_SECONDS) -> bytes:
    """GET a key set. Follows no redirect, reads no proxy settings, and takes no longer than `seconds` in all.

    Raises `TroubleError` for every failure, and for an address that is neither https nor http on a loopback host.
    """
    try:
        connection, tls, path = _connection(uri, seconds)
    except (ValueError, http.client.HTTPException) as error:
        raise TroubleError("jwks_unavailable", f"key set `{uri}` has an address that cannot be used") from error
    watch: threading.Timer | None = None
    response: http.client.HTTPResponse | None = None
    deadline = time.monotonic() + seconds
    try:
        sock = _connected(connection, tls, deadline)
        # Only hanging up ends a read in time: a timeout of the socket starts anew with every byte, and headers and chunks are many reads.
        watch = threading.Timer(max(0.0, deadline - time.monotonic()), _hang_up, (sock,))
        watch.start()
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise TroubleError("jwks_unavailable", f"key set `{uri}` was answered with status {response.status}")
        body = response.read(MAX_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise TroubleError("jwks_unavailable", f"key set `{uri}` could not be fetched: {type(error).__name__}") from error
    finally:
        if watch is not None:
            watch.cancel()
        # A connection that the server closes after the answer is the response's to close.
        if response is not None:
            response.close()
        connection.close()
    # To a body without length, hanging up looks like its end.
    if time.monotonic() >= deadline:
        raise TroubleError("jwks_unavailable", f"key set `{uri}` took too long")
    if len(body) > MAX_BYTES:
        raise TroubleError("jwks_unavailable", f"key set `{uri}` has more than {MAX_BYTES} bytes")
    return body


def _connection(uri: str, seconds: float) -> tuple[http.client.HTTPConnection, ssl.SSLContext | None, str]:
    """A connection that is not open yet, what its TLS needs, and what to ask for."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path.encode("ascii")
    host.encode("idna")
    if parts.scheme == "https":
        # One context: reading the authorities' certificates is most of what a fetch costs.
        tls = ssl.create_default_context()
        return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=tls), tls, path
    if parts.scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, parts.port, timeout=seconds), None, path
    raise TroubleError("jwks_unavailable", f"key set `{uri}` is neither https nor on a loopback host")


def _addresses(host: str, port: int, deadline: float) -> list[Any]:
    """What the resolver says in time. It has timeouts of its own and cannot be interrupted, so a thread waits for it."""
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001  # raised again where it belongs
            found.append(error)

    thread = threading.Thread(target=look_up, name="resolver", daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not found:
        raise TimeoutError("the name is not resolved in time")
    if isinstance(found[0], Exception):
        raise found[0]
    return list(found[0])


def _connected(connection: http.client.HTTPConnection, tls: ssl.SSLContext | None, deadline: float) -> socket.socket:
    """A socket for the connection, with TLS before its handshake where that is asked for. A host's addresses share the time that is left."""
    addresses = _addresses(connection.host, connection.port, deadline)
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.001, (deadline - time.monotonic()) / (len(addresses) - tried)))
            sock.connect(address)
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            if tls is not None:
                sock = tls.wrap_socket(sock, server_hostname=connection.host, do_handshake_on_connect=False)
        except OSError:
            sock.close()
            if tried == len(addresses) - 1:
                raise
        else:
            connection.sock = sock
            return sock
    raise OSError("the host has no address")


def _hang_up(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)

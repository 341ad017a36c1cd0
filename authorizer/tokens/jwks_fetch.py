"""Fetches an issuer's key set over HTTPS, within a deadline that covers all of it."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from authorizer.authorities import vouch_for_host
from authorizer.errors import TroubleError

MAX_BYTES = 150_000

FETCH_SECONDS = 2.5

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def fetch_jwks(uri: str, *, seconds: float = FETCH_SECONDS, aws_authorities: str | None = None) -> bytes:
    """GET a key set. Follows no redirect, reads no proxy settings, and takes no longer than `seconds` in all.

    Cognito is believed if the authorities in the file `aws_authorities` vouch for it, which are few and quickly read. If they do not, and for every other host,
    those count that the system trusts.

    Raises `TroubleError` for every failure, and for an address that is neither https nor http on a loopback host.
    """
    started = time.monotonic()
    try:
        return _fetch(uri, seconds, aws_authorities)
    except TroubleError as error:
        left = seconds - (time.monotonic() - started)
        if aws_authorities is None or left <= 0 or not isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise
    # AWS may have other authorities by now than when the zip was built.
    return _fetch(uri, left, None)


def _fetch(uri: str, seconds: float, aws_authorities: str | None) -> bytes:
    try:
        connection, tls, path = _connection(uri, seconds, aws_authorities)
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


def _connection(uri: str, seconds: float, aws_authorities: str | None) -> tuple[http.client.HTTPConnection, ssl.SSLContext | None, str]:
    """Return a connection that is not open yet, what its TLS needs, and what to ask for."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path.encode("ascii")
    host.encode("idna")
    if parts.scheme == "https":
        # One context: reading the authorities' certificates is most of what a fetch costs.
        tls = ssl.create_default_context(cafile=aws_authorities if vouch_for_host(host) else None)
        return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=tls), tls, path
    if parts.scheme == "http" and host in _LOOPBACK:
        return http.client.HTTPConnection(host, parts.port, timeout=seconds), None, path
    raise TroubleError("jwks_unavailable", f"key set `{uri}` is neither https nor on a loopback host")


def _addresses(host: str, port: int, deadline: float) -> list[Any]:
    """Return what the resolver says in time. It has timeouts of its own and cannot be interrupted, so a thread waits for it."""
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
    """Return a socket for the connection, with TLS before its handshake where that is asked for. A host's addresses share the time that is left."""
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

"""Which requests the local stack answers: those of this machine's developer, and of nobody else.

The stack runs code as the person who started it, so a web page that the person happens to read, or another user of the machine, must not be able to
drive it. A name of its own as Host stops pages whose name was made to lead here (DNS rebinding); `Origin` and `Sec-Fetch-Site` (Fetch standard; W3C
Fetch Metadata Request Headers) stop every other page; the stack's access key stops everybody else. The deployed APIs need no key: their authorizers
guard them.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack.core import sigv4

from infra.local.state import AccessKey

_API_HOST = re.compile(r"[0-9a-f]{8}\.execute-api\.localhost")
# The emulator's doors for people who test emulators: they empty it, or show what it sent. They look at the path alone, whatever the Host is.
_INTERNAL = re.compile(r"/(?:_|%5f)", re.IGNORECASE)
# Cognito's public pages and addresses: OpenID Connect discovery (per pool), OAuth 2.0 (per client), managed login.
_DISCOVERY = re.compile(r"/[\w-]+/\.well-known/(?:jwks\.json|openid-configuration)")
_OAUTH = re.compile(r"/oauth2/(?:authorize|login|revoke|token|userInfo)|/login|/logout")
# Of keys in AWS's own form. The emulator checks the signatures of those that it gave out, to users and to the roles of functions; its root, which is
# also called `test` and by every account number, it takes at its word.
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=(A[KS]IA[A-Z0-9]{16})/[^,\s]+,\s*SignedHeaders=[^,\s]+,\s*Signature=[0-9a-f]{64}")
_QUERY_KEY = re.compile(rb"(?:^|&)(?:X-Amz-Credential|AWSAccessKeyId)=", re.IGNORECASE)
_UNSIGNED = "sign the request with the `access_key_id` and `secret_access_key` of `local.json`"

Scope = Mapping[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class RequestGuard:
    """The rules of one stack: the port that it listens on, and its access key."""

    port: int
    key: AccessKey

    def refusal(self, scope: Scope) -> str | None:
        """Return why a request (an ASGI scope of type `http` or `websocket`) is refused for its head, or None."""
        headers = _read_headers(scope)
        host = self._own_host(headers.get("host", ""))
        if host is None:
            return f"the Host is no name of this stack: use 127.0.0.1:{self.port} or the `host_header` of `local.json`"
        is_foreign = "origin" in headers and not self._is_own_origin(headers["origin"])
        is_cross_site = "cross-site" in headers.get("sec-fetch-site", "").lower()
        # To a browser each name of this stack is a site of its own: the console's page signs in at another one. `Origin`, which no page can write, is ours.
        if is_foreign or (is_cross_site and not ("origin" in headers and _is_sign_in(scope, headers))):
            return "it comes from a page of another origin"
        if _INTERNAL.match(scope["path"]):
            is_health = (scope.get("method"), scope["path"]) == ("GET", "/_ministack/health")
            return None if is_health else "the emulator's own doors are closed"
        if scope["type"] == "websocket" and not _API_HOST.fullmatch(host):
            return "WebSocket APIs answer under their own Host: see `host_header` in `local.json`"
        is_open = _is_open(scope, host, headers) and not _names_key(scope, headers)
        return None if is_open or _signer(headers) else _UNSIGNED

    def refusal_of_signature(self, scope: Scope, body: bytes) -> str | None:
        """Return why the signature of a request that names the stack's key is refused (AWS Signature Version 4, "Verify"), or None."""
        headers = _read_headers(scope)
        signature = sigv4.parse_header_signature(headers)
        if isinstance(signature, tuple):
            return str(signature[1])
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        raw_path = scope["raw_path"].decode("latin-1")
        failure: tuple[str, str] | None = sigv4.request_time_failure(signature) or sigv4.header_signature_failure(
            signature, self.key.secret, scope["method"], raw_path, query, headers, body
        )
        return None if failure is None else failure[1]

    def is_signed_by_owner(self, scope: Scope) -> bool:
        """Return whether a request that no rule refuses names the stack's own key, the emulator's root."""
        return _signer(_read_headers(scope)) == self.key.id

    def _own_host(self, value: str) -> str | None:
        name, _, port = value.lower().partition(":")
        # RFC 6761 section 6.3: no name server answers for `localhost`, so that no name below it leads here from elsewhere.
        is_own = name in ("127.0.0.1", "localhost") or name.endswith(".localhost")
        return name if is_own and port == str(self.port) else None

    def _is_own_origin(self, origin: str) -> bool:
        return origin.startswith("http://") and self._own_host(origin.removeprefix("http://")) is not None


def guarded(app: App, guard: RequestGuard) -> App:
    """Return the ASGI application behind the guard: what is refused never reaches it."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        reason = guard.refusal(scope)
        if reason is None and scope["type"] == "http" and guard.is_signed_by_owner(scope):
            messages = [message async for message in _messages(receive)]
            reason = guard.refusal_of_signature(scope, b"".join(message.get("body", b"") for message in messages))
            receive = _replay(messages, receive)
        if reason is None:
            await app(scope, receive, send)
        else:
            await _refuse(scope, receive, send, reason)

    return answer


def is_api_call(scope: Scope) -> bool:
    """Return whether a request or a connection is one to a deployed API: `Host: 0a1b2c3d.execute-api.localhost:4599 -> True`."""
    if scope["type"] not in ("http", "websocket"):
        return False
    return _API_HOST.fullmatch(_read_headers(scope).get("host", "").lower().partition(":")[0]) is not None


async def _messages(receive: Receive) -> AsyncIterator[Message]:
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
        yield message


def _replay(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return again


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    body = f"refused by the local stack: {reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _signer(headers: Mapping[str, str]) -> str | None:
    signed = _SIGNED.fullmatch(headers.get("authorization", ""))
    return signed[1] if signed else None


def _names_key(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return whether a request says who signed it. The emulator takes its root at its word, at each of its doors."""
    return headers.get("authorization", "").startswith("AWS") or _QUERY_KEY.search(scope["query_string"]) is not None


def _is_open(scope: Scope, host: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request needs no key: one to a deployed API, for a pool's keys, or to sign up or in."""
    method, path = scope.get("method"), scope["path"]
    if _API_HOST.fullmatch(host) or _OAUTH.fullmatch(path) or (method == "GET" and _DISCOVERY.fullmatch(path)):
        return True
    # The emulator knows which of Cognito's operations are public, and refuses the others without a signature.
    return _is_sign_in(scope, headers)


def _is_sign_in(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Return whether a request is for one of Cognito's operations, or a browser's question before one, which is answered alike to all and does nothing."""
    if scope["path"] != "/" or "authorization" in headers:
        return False
    if scope.get("method") == "OPTIONS":
        return "x-amz-target" in headers.get("access-control-request-headers", "").lower()
    return scope.get("method") == "POST" and headers.get("x-amz-target", "").startswith("AWSCognitoIdentityProviderService.")


def _read_headers(scope: Scope) -> dict[str, str]:
    """Return the headers by their names in lower case, several of one name joined by commas (RFC 9110 section 5.3), as the emulator reads them."""
    headers: dict[str, str] = {}
    for field, text in scope["headers"]:
        name, value = field.decode("latin-1").lower(), sigv4.decode_header_value(text).strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers

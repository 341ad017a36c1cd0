"""The web console's files, and what its page has to know before anybody is signed in. They hold no data of anybody, so that they are served without a token.

The page may load nothing but these files, and ask nobody but the admin API and the user pool (Content Security Policy Level 3).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

PATH = "/console"
CONFIG_PATH = f"{PATH}/config.json"

_FOLDER = Path(__file__).resolve().parent.parent / "console"
_PAGE = "index.html"
_MARK = "{{files}}"
_SCHEMA = "document.schema.json"
"""Of permission documents: the page's editor offers names by it. It stands once, where the command and editors find it."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """How people sign in. `pool_url` is where Cognito's API is asked; `login_url` is the managed login's domain, `""` where the pool has none.

    `client_id` is a client without a secret, `""` where the console is not set up: `https://cognito-idp.eu-west-1.amazonaws.com`, `1h57kf5cpq17m0eml12EXAMPLE`.
    `user_directory` tells whether the admin API looks people up.
    """

    client_id: str = ""
    pool_id: str = ""
    pool_url: str = ""
    login_url: str = ""
    user_directory: bool = False


class Console:
    """Serves the page at `/console`, its files below a name that changes with them, and `/console/config.json`."""

    def __init__(self, config: ConsoleConfig) -> None:
        self._config = config

    @staticmethod
    def has(path: str) -> bool:
        """Return whether a path is the console's: then it is public."""
        return path == PATH or path.startswith(f"{PATH}/")

    def answer(self, method: str, path: str) -> "Response[str] | None":
        """Return what stands at a path, None if nothing does."""
        if method != "GET":
            return None
        if path == f"{PATH}/":
            # Relative, so that the stage and a custom domain's base path stay before it (RFC 9110 section 10.2.2).
            return Response(308, "text/plain", "", headers={**_ALWAYS, "Cache-Control": "no-cache", "Location": f"..{PATH}"})
        if path == PATH:
            return self._file(_PAGE, self._page, "no-cache")
        if path == CONFIG_PATH:
            headers = _ALWAYS | {"Cache-Control": "no-cache"}
            return Response(200, "application/json", json.dumps(asdict(self._config)), headers=dict(headers))
        version, _, name = path.removeprefix(f"{PATH}/").partition("/")
        if version != self.version or name == _PAGE or name not in self._files:
            return None
        # The name of its folder changes with the file.
        return self._file(name, self._files[name], "public, max-age=31536000, immutable")

    @cached_property
    def version(self) -> str:
        """The name of the folder under which the files are served: the beginning of a hash of all of them."""
        digest = hashlib.sha256()
        for name, text in self._files.items():
            digest.update(f"{name}\0{text}\0".encode())
        return digest.hexdigest()[:12]

    @cached_property
    def _files(self) -> Mapping[str, str]:
        paths = sorted(path for path in _FOLDER.rglob("*") if path.suffix in _TYPES)
        schema = files("authorizer.policy").joinpath(_SCHEMA).read_text(encoding="utf-8")
        return {_SCHEMA: schema} | {path.relative_to(_FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in paths}

    @cached_property
    def _page(self) -> str:
        return self._files[_PAGE].replace(_MARK, f"console/{self.version}")

    @cached_property
    def _policy(self) -> str:
        asked = " ".join(_origin(url) for url in (self._config.pool_url, self._config.login_url) if url)
        return "; ".join(
            [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self'",
                f"connect-src 'self' {asked}".rstrip(),
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            ]
        )

    def _file(self, name: str, text: str, kept: str) -> "Response[str]":
        headers = _ALWAYS | {"Cache-Control": kept, "Content-Security-Policy": self._policy}
        return Response(200, _TYPES[Path(name).suffix], text, headers=dict(headers))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

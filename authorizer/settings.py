"""The authorizer's settings: its environment, read once at cold start, every mistake in it told at once."""

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, overload
from urllib.parse import urlsplit

from authorizer.errors import SettingsError
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace, TokenPlaces
from authorizer.policy.cache_scope import CacheScope
from authorizer.tokens.claims import TrustedIssuer

NAMES = (
    "PERMISSIONS_TABLE",
    "API",
    "USER_POOL_ID",
    "APP_CLIENT_IDS",
    "TRUSTED_ISSUERS",
    "JWKS_URI",
    "TOKEN_FROM",
    "CACHE_SCOPE",
    "TOKEN_SCOPE_GUARDS",
    "EXPIRY_CONDITIONS",
    "HTTP_API_RESPONSE",
    "HTTP_API_UNAUTHORIZED",
    "GATEWAY_TTL",
    "CONTEXT_USERNAME",
    "USAGE_KEY",
    "SHADOW_API",
    "REPORT_ONLY",
    "POLICY_REFRESH_SECONDS",
    "POLICY_MAX_STALE_SECONDS",
    "JWKS_MAX_AGE_SECONDS",
    "JWKS_MAX_STALE_SECONDS",
)
"""Every variable that is read here."""

_OUR_PREFIXES = (
    *(
        "POLICY_",
        "JWKS_",
        "TRUSTED_ISSUER",
        "APP_CLIENT_ID",
        "CACHE_SCOPE",
        "TOKEN_SCOPE",
        "TOKEN_FROM",
        "EXPIRY_CONDITION",
        "PERMISSION",
        "USER_POOL",
    ),
    *("HTTP_API_", "GATEWAY_TTL", "CONTEXT_USER", "USAGE_KEY", "SHADOW_", "REPORT_ONLY"),
)

_POOL = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)_[0-9A-Za-z]+")
_ISSUER_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
# Names of headers and cookies are tokens (RFC 9110 section 5.1, RFC 6265 section 4.1.1). Those of query parameters are what is left once they are decoded.
_PLACE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER_NAME = re.compile(r"[!-~]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TOKEN_USES = ("access", "id", "none")


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings. Times are in seconds; `gateway_ttl` is None where nobody says how long the gateway remembers answers, `shadow_api` is `""` for none."""

    table: str
    api: str
    issuers: tuple[TrustedIssuer, ...]
    token_from: TokenPlaces
    cache_scope: CacheScope
    token_scope_guards: bool
    expiry_conditions: bool
    simple_responses: bool
    deny_unauthorized: bool
    gateway_ttl: float | None
    context_username: bool
    usage_key: bool
    shadow_api: str
    report_only: bool
    policy_refresh_seconds: float
    policy_max_stale_seconds: float
    jwks_max_age_seconds: float
    jwks_max_stale_seconds: float


_CEILINGS = {
    "POLICY_REFRESH_SECONDS": (3_600, "a revoked permission and a denylisted token live on for so long"),
    "POLICY_MAX_STALE_SECONDS": (86_400, "while DynamoDB cannot be read, a revoked permission lives on for so long"),
    "JWKS_MAX_AGE_SECONDS": (86_400, "a key that its issuer withdrew signs on for so long"),
    "JWKS_MAX_STALE_SECONDS": (86_400, "while an issuer cannot be asked, a key that it withdrew signs on for so long"),
    "GATEWAY_TTL": (3_600, "API Gateway remembers an answer no longer"),
}
"""The most of each number of seconds, and why there is a most."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment. Raises `SettingsError` that names every setting that is missing, wrong or contradicts another."""
    reader = _Reader(os.environ if environ is None else environ)
    reader.refuse_unknown()
    settings = Settings(
        table=reader.required("PERMISSIONS_TABLE"),
        api=reader.required("API"),
        issuers=_issuers(reader),
        token_from=_token_places(reader),
        cache_scope=reader.choice("CACHE_SCOPE", {s.value: s for s in CacheScope}, CacheScope.REQUEST),
        token_scope_guards=reader.choice("TOKEN_SCOPE_GUARDS", {"0": False, "1": True}, default=False),
        expiry_conditions=reader.choice("EXPIRY_CONDITIONS", {"0": False, "1": True}, default=False),
        simple_responses=reader.choice("HTTP_API_RESPONSE", {"iam": False, "simple": True}, default=False),
        deny_unauthorized=reader.choice("HTTP_API_UNAUTHORIZED", {"raise": False, "deny": True}, default=False),
        gateway_ttl=reader.seconds("GATEWAY_TTL", None),
        context_username=reader.choice("CONTEXT_USERNAME", {"0": False, "1": True}, default=False),
        usage_key=reader.choice("USAGE_KEY", {"none": False, "client_id": True}, default=False),
        shadow_api=reader.get("SHADOW_API"),
        report_only=reader.choice("REPORT_ONLY", {"0": False, "1": True}, default=False),
        policy_refresh_seconds=reader.seconds("POLICY_REFRESH_SECONDS", 10),
        policy_max_stale_seconds=reader.seconds("POLICY_MAX_STALE_SECONDS", 300),
        jwks_max_age_seconds=reader.seconds("JWKS_MAX_AGE_SECONDS", 3600),
        jwks_max_stale_seconds=reader.seconds("JWKS_MAX_STALE_SECONDS", 3600),
    )
    if settings.token_scope_guards and settings.cache_scope is not CacheScope.TOKEN:
        reader.problems.append("`TOKEN_SCOPE_GUARDS` is `1`, which means nothing without `CACHE_SCOPE=token`: set that, or take it out")
    if settings.simple_responses and settings.cache_scope is not CacheScope.REQUEST:
        scope = settings.cache_scope.value
        reader.problems.append(
            f"`HTTP_API_RESPONSE` is `simple`, one word about one request, and `CACHE_SCOPE` is `{scope}`: set it to `request`"
        )
    if settings.report_only and (settings.simple_responses or settings.cache_scope is not CacheScope.REQUEST):
        reader.problems.append(
            "`REPORT_ONLY` is `1`, which lets one path pass at a time: it needs `CACHE_SCOPE=request` and `HTTP_API_RESPONSE=iam`, "
            "and a gateway that remembers nothing or has the path in its cache key"
        )
    if settings.shadow_api and settings.shadow_api == settings.api:
        reader.problems.append(
            f"`SHADOW_API` is `{settings.api}`, as `API` is: it names the candidate, which is published under a name of its own"
        )
    if reader.problems:
        raise SettingsError(reader.problems)
    return settings


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def refuse_unknown(self) -> None:
        """A misspelt setting would silently be its default."""
        for name in sorted(self._environ):
            if name.startswith(_OUR_PREFIXES) and name not in NAMES:
                self.problems.append(f"`{name}` is no setting: the names are {', '.join(NAMES)}")

    def get(self, name: str) -> str:
        return self._environ.get(name, "").strip()

    def required(self, name: str) -> str:
        value = self.get(name)
        if not value:
            self.problems.append(f"`{name}` is missing")
        return value

    def choice(self, name: str, choices: Mapping[str, Any], default: Any) -> Any:
        value = self.get(name)
        if value and value not in choices:
            self.problems.append(f"`{name}` is `{value}`: it may be {' or '.join(f'`{c}`' for c in choices)}")
        return choices.get(value, default)

    @overload
    def seconds(self, name: str, default: float) -> float: ...
    @overload
    def seconds(self, name: str, default: None) -> float | None: ...
    def seconds(self, name: str, default: float | None) -> float | None:
        value = self.get(name)
        if not value:
            return default
        if not re.fullmatch(r"\d{1,7}(\.\d{1,3})?", value):
            self.problems.append(f"`{name}` is `{value}`: it must be seconds, such as `{60 if default is None else default:g}`")
            return default
        most, why = _CEILINGS[name]
        if float(value) > most:
            self.problems.append(f"`{name}` is `{value}`, and {most} is the most: {why}")
        return float(value)


def _token_places(reader: _Reader) -> TokenPlaces:
    text = reader.get("TOKEN_FROM")
    if not text:
        return AUTHORIZATION_HEADER
    places: list[TokenPlace] = []
    for entry in text.split(","):
        place = _token_place(reader, entry.strip())
        if place in places:
            reader.problems.append(f"`TOKEN_FROM` has `{entry.strip()}` twice: keep one")
        elif place is not None:
            places.append(place)
    # The very object, which is looked for at each request.
    return AUTHORIZATION_HEADER if tuple(places) == AUTHORIZATION_HEADER else tuple(places)


def _token_place(reader: _Reader, entry: str) -> TokenPlace | None:
    kind, _, name = entry.partition(":")
    if kind not in (*PlaceKind,) or not name:
        reader.problems.append(
            f"`TOKEN_FROM` has `{entry}`: a place is `header:NAME`, `cookie:NAME` or `query:NAME`, and several are separated by commas"
        )
    elif not (_PARAMETER_NAME if kind == PlaceKind.QUERY else _PLACE_NAME).fullmatch(name):
        reader.problems.append(f"`TOKEN_FROM` has `{entry}`: no {kind} has such a name")
    elif kind == PlaceKind.HEADER and name.lower() == "cookie":
        reader.problems.append(f"`TOKEN_FROM` has `{entry}`: name the cookie that is the token, as in `cookie:session`")
    else:
        return TokenPlace(PlaceKind(kind), name.lower() if kind == PlaceKind.HEADER else name)
    return None


def _issuers(reader: _Reader) -> tuple[TrustedIssuer, ...]:
    issuers = [*_shorthand(reader), *_listed(reader)]
    if not issuers and not reader.get("USER_POOL_ID") and not reader.get("TRUSTED_ISSUERS"):
        reader.problems.append("`USER_POOL_ID` is missing, or `TRUSTED_ISSUERS`: nobody's tokens would be accepted")
    seen: set[str] = set()
    for key in [i.issuer for i in issuers] + [f"name {i.name}" for i in issuers if i.name]:
        if key in seen:
            reader.problems.append(f"`TRUSTED_ISSUERS` has `{key}` twice")
        seen.add(key)
    return tuple(issuers)


def _shorthand(reader: _Reader) -> list[TrustedIssuer]:
    pool = reader.get("USER_POOL_ID")
    clients = frozenset(c.strip() for c in reader.get("APP_CLIENT_IDS").split(",") if c.strip())
    if not pool:
        reader.problems += [
            f"`{n}` is set without `USER_POOL_ID`, to which it belongs" for n in ("APP_CLIENT_IDS", "JWKS_URI") if reader.get(n)
        ]
        return []
    match = _POOL.fullmatch(pool)
    if not match:
        reader.problems.append(f"`USER_POOL_ID` is `{pool}`, which is no id of a user pool such as `eu-west-1_AbCdEfGhI`")
    if not clients:
        reader.problems.append("`APP_CLIENT_IDS` is missing: name the app clients whose tokens are accepted, comma separated")
    issuer = f"https://cognito-idp.{match[1] if match else ''}.amazonaws.com/{pool}"
    uri = reader.get("JWKS_URI") or f"{issuer}/.well-known/jwks.json"
    _check_uri(reader, uri, "`JWKS_URI`")
    return [TrustedIssuer(name="", issuer=issuer, jwks_uri=uri, client_ids=clients, audience=frozenset(), token_use="access")]  # noqa: S106


def _listed(reader: _Reader) -> list[TrustedIssuer]:
    text = reader.get("TRUSTED_ISSUERS")
    if not text:
        return []
    try:
        entries = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        reader.problems.append(f"`TRUSTED_ISSUERS` is not JSON: {error}")
        return []
    except RecursionError:
        reader.problems.append("`TRUSTED_ISSUERS` is nested too deeply")
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        reader.problems.append("`TRUSTED_ISSUERS` must be a JSON list of objects")
        return []
    if not entries:
        reader.problems.append("`TRUSTED_ISSUERS` is an empty list: name an issuer or take the setting out")
    return [_listed_issuer(reader, entry, f"`TRUSTED_ISSUERS` entry {index}") for index, entry in enumerate(entries)]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. Raises `ValueError` for a name that stands twice: JSON's readers keep the last, and the other one is what somebody checked."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` stands twice in one object: keep one")
    return fields


def _no_constant(word: str) -> Any:
    raise ValueError(f"`{word}` is no JSON")


def _listed_issuer(reader: _Reader, entry: dict[str, Any], place: str) -> TrustedIssuer:
    def text(field: str, default: str = "") -> str:
        value = entry.get(field, default)
        if not isinstance(value, str):
            reader.problems.append(f"{place}: `{field}` must be text")
            return default
        return value

    def names(field: str) -> tuple[str, ...]:
        value = entry.get(field, [])
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            reader.problems.append(f"{place}: `{field}` must be a list of names")
            return ()
        return tuple(value)

    fields = ("name", "issuer", "jwks_uri", "client_ids", "audience", "token_use", "groups_claim", "binding_claims")
    reader.problems += [
        f"{place}: `{field}` is not one of its fields: {', '.join(fields)}" for field in sorted(entry) if field not in fields
    ]
    issuer = TrustedIssuer(
        name=text("name"),
        issuer=text("issuer"),
        jwks_uri=text("jwks_uri") or f"{entry.get('issuer')}/.well-known/jwks.json",
        client_ids=frozenset(names("client_ids")),
        audience=frozenset(names("audience")),
        token_use=text("token_use", "access"),
        groups_claim=text("groups_claim", "cognito:groups"),
        binding_claims=names("binding_claims"),
    )
    checks: list[tuple[bool, Callable[[], str]]] = [
        (bool(issuer.issuer), lambda: "`issuer` is missing"),
        (issuer.token_use in _TOKEN_USES, lambda: f"`token_use` may be {', '.join(_TOKEN_USES)}"),
        (bool(issuer.client_ids or issuer.audience), lambda: "`client_ids` or `audience` must name whose tokens are accepted"),
        (
            bool(_ISSUER_NAME.fullmatch(issuer.name)) or (issuer.name == "" and _is_same_pool(reader, issuer.issuer)),
            lambda: "`name` must be 1 to 32 letters, digits, `_` or `-`: only the pool of `USER_POOL_ID` goes without",
        ),
    ]
    reader.problems += [f"{place}: {message()}" for holds, message in checks if not holds]
    _check_uri(reader, issuer.jwks_uri, f"{place}: `jwks_uri`")
    return issuer


def _is_same_pool(reader: _Reader, issuer: str) -> bool:
    """Return whether this is the other of the two issuer forms that Cognito has for the pool of the shorthand (API reference, IssuerConfigurationType)."""
    pool = reader.get("USER_POOL_ID")
    match = _POOL.fullmatch(pool)
    return match is not None and issuer == f"https://issuer-cognito-idp.{match[1]}.amazonaws.com/{pool}"


def _check_uri(reader: _Reader, uri: str, place: str) -> None:
    try:
        parts = urlsplit(uri)
        # Reading the port raises for one that is none.
        fits = (
            bool(parts.hostname)
            and parts.port != 0
            and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
        )
    except ValueError:
        fits = False
    if not fits:
        reader.problems.append(f"{place} is `{uri}`: it must be an https address, or http on a loopback host")


_OTHER_AUTHORITIES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_OTHER_ENDPOINTS = (
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
    *("AWS_CONFIG_FILE", "AWS_PROFILE", "PYNAMODB_CONFIG"),
)


def reaches_aws_itself(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether connections go to AWS's usual endpoints, and nobody names authorities of his own for them, as a network that inspects TLS needs.

    Both are told to the AWS SDK, to OpenSSL and to PynamoDB by variables of theirs. A file that could do so counts as one that does.
    """
    variables = os.environ if environ is None else environ
    return not any(variables.get(name) for name in _OTHER_AUTHORITIES + _OTHER_ENDPOINTS)


def trace_id() -> str:
    """Return the X-Ray trace of the request at hand, "" for none. Lambda tells it anew before each ("Using Lambda environment variables", developer guide)."""
    return os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")[0].removeprefix("Root=")

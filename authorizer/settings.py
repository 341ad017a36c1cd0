"""The authorizer's settings: its environment, read once at cold start, every mistake in it told at once."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, overload

from authorizer.errors import SettingsError
from authorizer.events.token_places import TokenPlaces, read_places
from authorizer.parameters import read_parameter
from authorizer.policy.cache_scope import CacheScope
from authorizer.tokens.claims import TrustedIssuer
from authorizer.tokens.issuer_entries import OwnPool, is_pool_id, read_issuers

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
    "LOG_ALLOWED",
    "POLICY_REFRESH_SECONDS",
    "POLICY_MAX_STALE_SECONDS",
    "JWKS_MAX_AGE_SECONDS",
    "JWKS_MAX_STALE_SECONDS",
)
"""Every variable that is read here."""

_OUR_PREFIXES = (
    *("POLICY_", "JWKS_", "TRUSTED_ISSUER", "APP_CLIENT_ID", "CACHE_SCOPE", "TOKEN_SCOPE", "TOKEN_FROM", "EXPIRY_CONDITION", "PERMISSION"),
    "USER_POOL",
    *("HTTP_API_", "GATEWAY_TTL", "CONTEXT_USER", "USAGE_KEY", "SHADOW_", "REPORT_ONLY", "LOG_ALLOW"),
)

_PARAMETER = "ssm:"


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
    log_allowed: float
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


def read_settings(environ: Mapping[str, str] | None = None, parameter: Callable[[str], str] = read_parameter) -> Settings:
    """Read and check the environment. Raises `SettingsError` that names every setting that is missing, wrong or contradicts another.

    `parameter` reads a parameter of AWS Systems Manager by its name, and is called once if `TRUSTED_ISSUERS` names one.
    """
    reader = _Reader(os.environ if environ is None else environ)
    reader.refuse_unknown()
    settings = Settings(
        table=reader.required("PERMISSIONS_TABLE"),
        api=reader.required("API"),
        issuers=_issuers(reader, parameter),
        token_from=read_places(reader.get("TOKEN_FROM"), reader.problems),
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
        log_allowed=reader.share("LOG_ALLOWED"),
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


_SHARES = {"all": 1.0, "none": 0.0}


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

    def share(self, name: str) -> float:
        """Return a share from 0, `none`, to 1, `all`, which it is by default."""
        value = self.get(name) or "all"
        if value in _SHARES:
            return _SHARES[value]
        if re.fullmatch(r"0?\.\d{1,6}", value):
            return float(value)
        self.problems.append(f"`{name}` is `{value}`: it may be `all`, `none` or the share of them, such as `0.1`")
        return 1.0

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


def _issuers(reader: _Reader, parameter: Callable[[str], str]) -> tuple[TrustedIssuer, ...]:
    own = _shorthand(reader)
    listed = _listed(reader, parameter)
    if own is None and not listed and not reader.get("TRUSTED_ISSUERS"):
        reader.problems.append("`USER_POOL_ID` is missing, or `TRUSTED_ISSUERS`: nobody's tokens would be accepted")
    return read_issuers(listed, own, reader.problems)


def _shorthand(reader: _Reader) -> OwnPool | None:
    pool = reader.get("USER_POOL_ID")
    clients = frozenset(c.strip() for c in reader.get("APP_CLIENT_IDS").split(",") if c.strip())
    if not pool:
        reader.problems += [
            f"`{n}` is set without `USER_POOL_ID`, to which it belongs" for n in ("APP_CLIENT_IDS", "JWKS_URI") if reader.get(n)
        ]
        return None
    if not is_pool_id(pool):
        reader.problems.append(f"`USER_POOL_ID` is `{pool}`, which is no id of a user pool such as `eu-west-1_AbCdEfGhI`")
    return OwnPool(pool, clients, reader.get("JWKS_URI"))


def _listed(reader: _Reader, parameter: Callable[[str], str]) -> str:
    """Return the list of issuers, which stands in the setting or in the parameter that it names: Lambda's environment holds 4 KB."""
    text = reader.get("TRUSTED_ISSUERS")
    if not text.startswith(_PARAMETER):
        return text
    try:
        # An empty parameter is an empty list, and a mistake as one.
        return parameter(text.removeprefix(_PARAMETER)).strip() or "[]"
    except SettingsError as error:
        reader.problems += [f"`TRUSTED_ISSUERS` is `{text}`: {problem}" for problem in error.problems]
        return ""


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


def function_name() -> str:
    """Return the name of the Lambda function that this runs in, `unknown` outside Lambda ("Using Lambda environment variables", developer guide)."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "") or "unknown"

"""Reads which issuers are trusted: the user pool of the shorthand settings, and the JSON list of further ones.

An entry of the list is an object such as `{"name": "partner", "issuer": "https://id.partner.example", "jwks_uri": "https://id.partner.example/keys",
"audience": ["https://api.example"], "token_use": "none"}`. Mistakes are told by their place, all at once.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from authorizer.tokens.claims import CLIENT_CLAIM, GROUPS_CLAIM, MachineRule, TrustedIssuer

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256")
"""What tokens may be signed with, where an issuer says so (RFC 7518 section 3.1)."""

TOKEN_USES = ("access", "id", "none")

FIELDS = (
    *("name", "issuer", "jwks_uri", "client_ids", "audience", "token_use", "groups_claim", "client_claim"),
    *("machine", "algorithms", "binding_claims"),
)

_POOL = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d+)_[0-9A-Za-z]+")
# Both forms of a pool's issuer, in each partition.
_COGNITO = re.compile(r"https://(?:issuer-)?cognito-idp(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d+)\.amazonaws\.com(?:\.cn)?/(\1_[0-9A-Za-z]+)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NO_NAME = "`name` must be 1 to 32 letters, digits, `_` or `-`: only the pool of `USER_POOL_ID` goes without"


class OwnPool(NamedTuple):
    """What the shorthand settings say of one's own user pool. `jwks_uri` is empty where it is the pool's own."""

    id: str
    client_ids: frozenset[str]
    jwks_uri: str = ""

    @property
    def issuer(self) -> str:
        """The issuer that AWS documents for the pool ("Verifying JSON web tokens", Cognito developer guide)."""
        match = _POOL.fullmatch(self.id)
        return f"https://cognito-idp.{match[1] if match else ''}.amazonaws.com/{self.id}"

    def may_have(self, issuer: str) -> bool:
        """Return whether an address may be this pool's issuer: AWS's own, or that of an emulator, which ends in the pool's id or is on this machine."""
        if pool_id_of(issuer) is not None:
            return pool_id_of(issuer) == self.id
        host = _host_of(issuer)
        return host in _LOOPBACK or (issuer.endswith(f"/{self.id}") and not f".{host}".endswith((".amazonaws.com", ".amazonaws.com.cn")))


def is_pool_id(text: str) -> bool:
    """Return whether this is the id of a user pool, such as `eu-west-1_AbCdEfGhI`."""
    return _POOL.fullmatch(text) is not None


def key_address(issuer: str) -> str:
    """Return where a user pool's keys are, as AWS documents it; "" for any other issuer, since no rule holds for all."""
    return f"{issuer}/.well-known/jwks.json" if _COGNITO.fullmatch(issuer) else ""


def read_issuers(text: str, own: OwnPool | None, problems: list[str], place: str = "`TRUSTED_ISSUERS`") -> tuple[TrustedIssuer, ...]:
    """Return the issuers: that of the shorthand first, then those of the list. What is wrong is added to `problems`.

    An entry without a name is the pool of the shorthand, said in full, and takes its place: what it leaves out stays as the shorthand has it. The pool's other
    issuer form is added to it. Without the shorthand one entry may go without a name.
    """
    pool: list[TrustedIssuer] = []
    listed: list[TrustedIssuer] = []
    in_full = False
    for index, entry in enumerate(_entries(text, problems, place)):
        told = f"{place} entry {index}"
        if entry.get("name", "") != "":
            listed.append(_issuer(entry, told, problems))
            continue
        address = entry.get("issuer", own.issuer if own else "")
        first = own.issuer if own else pool[0].issuer if pool else ""
        if first and address == _other_form(first):
            listed.append(_issuer(entry, told, problems))
        elif in_full or (own is not None and not (isinstance(address, str) and own.may_have(address))):
            problems.append(f"{told}: {_NO_NAME}")
        else:
            in_full = True
            pool.append(_issuer(_with_shorthand(entry, own), told, problems))
    if own is not None and not in_full:
        pool.append(_shorthand(own, problems))
    names = frozenset(issuer.name for issuer in listed if issuer.name)
    issuers = tuple(issuer if issuer.name else replace(issuer, foreign_names=names) for issuer in (*pool, *listed))
    keys = [issuer.issuer for issuer in issuers] + [f"name {issuer.name}" for issuer in issuers if issuer.name]
    problems += [f"{place} has `{key}` twice" for key in _twice(keys)]
    return issuers


def _shorthand(own: OwnPool, problems: list[str]) -> TrustedIssuer:
    if not own.client_ids:
        problems.append("`APP_CLIENT_IDS` is missing: name the app clients whose tokens are accepted, comma separated")
    uri = own.jwks_uri or f"{own.issuer}/.well-known/jwks.json"
    if not _is_key_address(uri):
        problems.append(f"`JWKS_URI` {_no_key_address(uri)}")
    return TrustedIssuer("", own.issuer, uri, own.client_ids, frozenset(), "access")


def _with_shorthand(entry: Mapping[str, Any], own: OwnPool | None) -> Mapping[str, Any]:
    """Return the entry with what the shorthand says where the entry says nothing."""
    if own is None:
        return entry
    said = {"issuer": own.issuer, "client_ids": sorted(own.client_ids)} | ({"jwks_uri": own.jwks_uri} if own.jwks_uri else {})
    return {**said, **entry}


def _twice(keys: Sequence[str]) -> list[str]:
    return sorted({key for key in keys if keys.count(key) > 1}, key=keys.index)


def pool_id_of(issuer: object) -> str | None:
    """Return the user pool that a Cognito issuer is: `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC` -> `eu-west-1_AbC`. None for all others."""
    match = _COGNITO.fullmatch(issuer) if isinstance(issuer, str) else None
    return match[2] if match else None


def _other_form(issuer: str) -> str | None:
    """A pool's issuer has two forms (API reference, IssuerConfigurationType): `https://cognito-idp...` <-> `https://issuer-cognito-idp...`."""
    if pool_id_of(issuer) is None:
        return None
    plain, long = "https://cognito-idp", "https://issuer-cognito-idp"
    return long + issuer.removeprefix(plain) if issuer.startswith(plain) else plain + issuer.removeprefix(long)


def _entries(text: str, problems: list[str], place: str) -> list[dict[str, Any]]:
    if not text:
        return []
    try:
        entries = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        problems.append(f"{place} is not JSON: {error}")
        return []
    except RecursionError:
        problems.append(f"{place} is nested too deeply")
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"{place} must be a JSON list of objects")
        return []
    if not entries:
        problems.append(f"{place} is an empty list: name an issuer or take the setting out")
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON. Raises `ValueError` for a name that stands twice: JSON's readers keep the last, and the other one is what somebody checked."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"`{next(name for name in names if names.count(name) > 1)}` stands twice in one object: keep one")
    return fields


def _no_constant(word: str) -> Any:
    raise ValueError(f"`{word}` is no JSON")


class _Entry:
    """The fields of one entry, by their types."""

    def __init__(self, entry: Mapping[str, Any], place: str, problems: list[str]) -> None:
        self._entry = entry
        self._place = place
        self._problems = problems

    def report(self, message: str) -> None:
        self._problems.append(f"{self._place}: {message}")

    def text(self, field: str, default: str = "") -> str:
        value = self._entry.get(field, default)
        if not isinstance(value, str):
            self.report(f"`{field}` must be text")
            return default
        return value

    def names(self, field: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self._entry.get(field, list(default))
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            self.report(f"`{field}` must be a list of names")
            return ()
        return tuple(value)

    def machine(self) -> MachineRule | None:
        if "machine" not in self._entry:
            return None
        value = self._entry["machine"]
        fields = value if isinstance(value, dict) else {}
        claim, equals = fields.get("claim"), fields.get("equals")
        is_rule = isinstance(claim, str) and bool(claim) and fields.keys() <= {"claim", "equals"}
        if not is_rule or not (isinstance(equals, str) or "equals" not in fields):
            self.report(
                '`machine` must be an object such as `{"claim": "gty", "equals": "client-credentials"}`; without `equals` the claim need only be there'
            )
            return None
        return MachineRule(str(claim), equals)


def _issuer(entry: Mapping[str, Any], place: str, problems: list[str]) -> TrustedIssuer:
    read = _Entry(entry, place, problems)
    for field in sorted(entry):
        if field not in FIELDS:
            read.report(f"`{field}` is not one of its fields: {', '.join(FIELDS)}")
    address = read.text("issuer")
    issuer = TrustedIssuer(
        name=read.text("name"),
        issuer=address,
        jwks_uri=read.text("jwks_uri") or key_address(address),
        client_ids=frozenset(read.names("client_ids")),
        audience=frozenset(read.names("audience")),
        token_use=read.text("token_use", "access"),
        groups_claim=read.text("groups_claim", GROUPS_CLAIM),
        binding_claims=read.names("binding_claims"),
        client_claim=read.text("client_claim", CLIENT_CLAIM),
        machine=read.machine(),
        algorithms=read.names("algorithms", ("RS256",)),
    )
    checks: list[tuple[bool, Callable[[], str]]] = [
        (bool(issuer.issuer), lambda: "`issuer` is missing"),
        (issuer.token_use in TOKEN_USES, lambda: f"`token_use` may be {', '.join(TOKEN_USES)}"),
        (bool(issuer.client_ids or issuer.audience), lambda: "`client_ids` or `audience` must name whose tokens are accepted"),
        (not issuer.name or bool(_NAME.fullmatch(issuer.name)), lambda: _NO_NAME),
        (
            bool(issuer.groups_claim) and not (issuer.groups_claim.startswith("/") and _BAD_ESCAPE.search(issuer.groups_claim)),
            lambda: "`groups_claim` must be a claim's name, or a JSON Pointer such as `/realm_access/roles` (`~0` for `~`, `~1` for `/`)",
        ),
        (
            not _fits_everybody(issuer),
            lambda: "`machine` fits every token of a user pool: name a claim that people's tokens lack, or leave it out",
        ),
        (bool(issuer.client_claim), lambda: "`client_claim` must be a claim's name, such as `azp`"),
        (
            bool(issuer.algorithms) and set(issuer.algorithms) <= {*ALGORITHMS},
            lambda: f"`algorithms` may name {', '.join(ALGORITHMS)}",
        ),
    ]
    for holds, message in checks:
        if not holds:
            read.report(message())
    if issuer.issuer and not issuer.jwks_uri:
        read.report(f"`jwks_uri` is missing: write where the keys are, which `gatebook issuer {issuer.issuer}` finds out")
    elif issuer.jwks_uri and not _is_key_address(issuer.jwks_uri):
        read.report(f"`jwks_uri` {_no_key_address(issuer.jwks_uri)}")
    return issuer


def _fits_everybody(issuer: TrustedIssuer) -> bool:
    """Return whether the rule would take people for machines: the claim that names the client stands in each token of a pool."""
    is_pool = not issuer.name or pool_id_of(issuer.issuer) is not None
    return is_pool and issuer.machine is not None and issuer.machine.equals is None and issuer.machine.claim in (issuer.client_claim, "sub")


def _no_key_address(uri: str) -> str:
    return f"is `{uri}`: it must be an https address, or http on a loopback host"


def _is_key_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        # Reading the port raises for one that is none.
        return (
            parts.username is None
            and bool(parts.hostname)
            and parts.port != 0
            and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
        )
    except ValueError:
        return False


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

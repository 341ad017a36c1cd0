"""Proposes an entry of `TRUSTED_ISSUERS` from an issuer's discovery document: which directory it is, and what that puts into its tokens."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from admin_api.cli.discovery import LOOPBACK, Discovered, DiscoveryError
from authorizer.tokens.issuer_entries import ALGORITHMS, is_pool_id, key_address, read_issuers

_ENTRA_HOSTS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "sts.windows.net")
_LOCALSTACK = "localhost.localstack.cloud"
_OKTA_HOSTS = (".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com")


class Kind(NamedTuple):
    """A directory: which fields of an entry it needs, and what to know of them."""

    name: str
    fields: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Wishes(NamedTuple):
    """What the person says who asks."""

    name: str
    audience: Sequence[str]
    client_ids: Sequence[str]
    groups_claim: str

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of an entry that are said."""
        said = {"name": self.name, "audience": [*self.audience], "client_ids": [*self.client_ids], "groups_claim": self.groups_claim}
        return {field: value for field, value in said.items() if value}


class Proposal(NamedTuple):
    """An entry, the directory that it was recognised as, and what to look at before it is used."""

    kind: str
    entry: dict[str, Any]
    notes: list[str]


COGNITO = Kind("Amazon Cognito", {}, ("Access tokens are accepted. Add `token_use` = `id` for ID tokens in their place.",))
KEYCLOAK = Kind(
    "Keycloak",
    {"token_use": "none", "groups_claim": "/realm_access/roles", "client_claim": "azp", "machine": {"claim": "client_id"}},
    (
        'Groups are the roles of the realm; `--groups-claim` names another claim, such as that of a mapper "Group Membership".',
        'Tokens are for `account` alone unless the client has an "Audience" mapper for your API.',
    ),
)
AUTH0 = Kind(
    "Auth0",
    {
        "token_use": "none",
        "groups_claim": "permissions",
        "client_claim": "azp",
        "machine": {"claim": "gty", "equals": "client-credentials"},
    },
    ("Groups are read from `permissions`, which RBAC adds to tokens; `--groups-claim` names the claim of an Action of your own.",),
)
OKTA = Kind(
    "Okta",
    {"token_use": "none", "groups_claim": "groups", "client_claim": "cid"},
    ("The authorization server needs a claim `groups` in access tokens, with a filter.",),
)
_ENTRA_MACHINE = {"claim": "idtyp", "equals": "app"}
_ENTRA_NOTES = (
    "Groups are the application's roles; `--groups-claim groups` takes security groups, by their object ids and 200 at most.",
    "Switch on the optional claim `idtyp` for access tokens: without it programs are taken for people.",
)
ENTRA_2 = Kind(
    "Microsoft Entra ID, version 2",
    {"token_use": "none", "groups_claim": "roles", "client_claim": "azp", "machine": _ENTRA_MACHINE},
    _ENTRA_NOTES,
)
ENTRA_1 = Kind(
    "Microsoft Entra ID, version 1",
    {"token_use": "none", "groups_claim": "roles", "client_claim": "appid", "machine": _ENTRA_MACHINE},
    _ENTRA_NOTES,
)
ADFS = Kind(
    "AD FS",
    {"token_use": "none", "groups_claim": "group", "client_claim": "appid"},
    ("An issuance rule writes groups, and `--groups-claim` is the name that it gives them. It must write `sub` too for programs.",),
)
OTHER = Kind(
    "an OpenID Connect issuer that is not known here",
    {"token_use": "none", "groups_claim": "groups"},
    (
        "Look into one of its access tokens, and complete the entry by it.",
        "Which claim has the groups (`--groups-claim`), and which one the client (`client_claim`, else `client_id`)?",
        "What tells a program (`machine`, else its client is its `sub`)?",
    ),
)


def propose(asked: str, found: Discovered, wishes: Wishes) -> Proposal:
    """Return the entry for an issuer that was asked at `asked`. Raises `DiscoveryError` if its document is another's or none that can be used."""
    document = found.document
    said = str(document["issuer"])
    kind = _kind(said, document)
    _check_is_asked(asked, said, kind)
    issuer = _of_access_tokens(said, document)
    jwks_uri = str(document["jwks_uri"])
    if _host(jwks_uri) == _LOCALSTACK:
        # It has a certificate for this name, which is none of a loopback host.
        jwks_uri = jwks_uri.replace("http://", "https://", 1)
    if not _is_local(asked) and _is_local(jwks_uri):
        raise DiscoveryError(
            f"`{said}` says that its keys are on your own machine (`{jwks_uri}`): nobody else could use them, so the document is not used"
        )
    algorithms = _algorithms(said, document)
    entry = {
        **({"name": wishes.name} if wishes.name else {}),
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        **kind.fields,
        **wishes.fields,
        **({} if algorithms == ["RS256"] else {"algorithms": algorithms}),
    }
    problems = problems_of(entry)
    if problems:
        raise DiscoveryError("\n".join(problems))
    return Proposal(kind.name, entry, [*_notes(asked, issuer, wishes), *kind.notes])


def problems_of(entry: Mapping[str, Any]) -> list[str]:
    """Return what an authorizer would find wrong with an entry."""
    problems: list[str] = []
    read_issuers(json.dumps([entry]), None, problems, "the entry:")
    return [problem.replace("the entry: entry 0: ", "") for problem in problems]


def _kind(issuer: str, document: Mapping[str, Any]) -> Kind:
    host, jwks_uri = _host(issuer), str(document["jwks_uri"])
    token_endpoint = str(document.get("token_endpoint", ""))
    rules: list[tuple[bool, Kind]] = [
        (bool(key_address(issuer)) or is_pool_id(_last(issuer)) or _last(issuer).startswith("local_"), COGNITO),
        (host == "sts.windows.net", ENTRA_1),
        (host in _ENTRA_HOSTS, ENTRA_2),
        (jwks_uri.endswith("/protocol/openid-connect/certs"), KEYCLOAK),
        ("access_token_issuer" in document or issuer.rstrip("/") == f"https://{host}/adfs", ADFS),
        (host.endswith(_OKTA_HOSTS) or jwks_uri == f"{issuer}/v1/keys", OKTA),
        (host.endswith(".auth0.com") or (issuer.endswith("/") and token_endpoint == f"{issuer}oauth/token"), AUTH0),
    ]
    return next((kind for holds, kind in rules if holds), OTHER)


def _check_is_asked(asked: str, said: str, kind: Kind) -> None:
    """The document must be the asked issuer's own (OpenID Connect Discovery section 4.3): else whoever answers there could name keys for another's tokens.

    A slash more or less is the same issuer. Entra's version 1 and emulators on this machine are known to speak for another address.
    """
    if "{" in said:
        raise DiscoveryError(
            f"`{asked}` stands for every tenant (`{said}`), and tokens name one: ask `gatebook issuer https://login.microsoftonline.com/TENANT-ID/v2.0`"
        )
    if kind is OKTA and _host(said).endswith(_OKTA_HOSTS) and "/oauth2/" not in said:
        raise DiscoveryError(
            f"`{said}` is the org's own authorization server, whose access tokens only Okta can verify: ask a custom one, "
            f"`gatebook issuer {said.rstrip('/')}/oauth2/default`"
        )
    entra = kind is ENTRA_1 and _host(asked) in _ENTRA_HOSTS and asked.split("/")[3:4] == said.split("/")[3:4]
    emulator = kind is COGNITO and _is_local(asked) and _last(asked) == _last(said)
    if asked.rstrip("/") != said.rstrip("/") and not entra and not emulator:
        raise DiscoveryError(
            f"`{asked}` answers for another issuer, `{said}`: if your tokens say that (`iss`), ask `gatebook issuer {said}`; an issuer's own address must "
            "name it"
        )


def _of_access_tokens(said: str, document: Mapping[str, Any]) -> str:
    """AD FS names another issuer in access tokens than in ID tokens, of the same host."""
    issuer = document.get("access_token_issuer")
    if not isinstance(issuer, str):
        return said
    if _host(issuer) != _host(said):
        raise DiscoveryError(f"`{said}` says that its access tokens are of `{issuer}`, another host's: the document is not used")
    return issuer


def _algorithms(issuer: str, document: Mapping[str, Any]) -> list[str]:
    supported = document.get("id_token_signing_alg_values_supported", ["RS256"])
    names = supported if isinstance(supported, list) else []
    ours = [name for name in ALGORITHMS if name in names]
    if not ours:
        told = ", ".join(str(name)[:20] for name in names[:10]) or "nothing"
        raise DiscoveryError(
            f"`{issuer}` signs with {told}, and an authorizer verifies {', '.join(ALGORITHMS)}: set one of these at the issuer"
        )
    return ours


def _notes(asked: str, issuer: str, wishes: Wishes) -> list[str]:
    notes = []
    if asked != issuer and asked.rstrip("/") == issuer.rstrip("/"):
        slash = "with" if issuer.endswith("/") else "without"
        notes.append(f"Its tokens say `{issuer}`, {slash} a slash at the end: the entry says so too, since it counts.")
    elif asked != issuer:
        notes.append(f"Its tokens say `{issuer}`, and not the address that was asked: the entry says what tokens say.")
    if wishes.name:
        notes.append(f"Its groups are `group/{wishes.name}:...` in documents, its clients `client/{wishes.name}:...`.")
    else:
        notes.append("Without `--name` it is your own directory, whose groups have no name before them; any other issuer needs one.")
    if not wishes.audience:
        notes.append("Without `--audience` its clients' tokens for other APIs count too, and may be ID tokens: name your API if tokens do.")
    return notes


def _is_local(address: str) -> bool:
    return _host(address) in LOOPBACK


def _host(address: str) -> str:
    """Return the host of an address, "" for one that is none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _last(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]

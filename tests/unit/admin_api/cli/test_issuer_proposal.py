"""Which directory a discovery document is recognised as, the entry that is proposed for it, and which documents are not used."""

import json
from dataclasses import replace
from typing import Any

import pytest

from admin_api.cli.discovery import AddressError, Discovered, DiscoveryError, asked_issuer, candidates
from admin_api.cli.issuer_proposal import Proposal, Wishes, propose
from authorizer.tokens.issuer_entries import read_issuers
from tests.support.issuer_shapes import read_issuers_of

TENANT = "8f2d1c0b-0000-4000-8000-000000000001"
ENTRA = f"https://login.microsoftonline.com/{TENANT}"

# What each document says besides issuer and keys, and where it was asked if that is not the issuer.
DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "second_pool": ("", {"id_token_signing_alg_values_supported": ["RS256"]}),
    "keycloak": ("", {"id_token_signing_alg_values_supported": ["RS256", "HS256"], "token_endpoint": "https://id.shop.example/x/token"}),
    "auth0": ("https://shop.eu.auth0.com", {"id_token_signing_alg_values_supported": ["HS256", "RS256"]}),
    "okta": ("", {"id_token_signing_alg_values_supported": ["RS256"]}),
    "entra": ("", {"id_token_signing_alg_values_supported": ["RS256"]}),
    "entra_v1": (ENTRA, {"id_token_signing_alg_values_supported": ["RS256"]}),
    "adfs": ("https://adfs.shop.example/adfs", {"issuer": "https://adfs.shop.example/adfs", "access_token_issuer": "of the vector"}),
    "other_algorithms": ("", {"id_token_signing_alg_values_supported": ["HS256", "PS256", "ES256", "EdDSA"]}),
}


def wishes_of(entry: dict[str, Any], **more: str) -> Wishes:
    return Wishes(entry.get("name", ""), entry.get("audience", []), entry.get("client_ids", []), more.get("groups_claim", ""))


def proposal(asked: str, document: dict[str, Any], wishes: Wishes | None = None) -> Proposal:
    return propose(asked, Discovered(f"{asked}/.well-known/openid-configuration", document), wishes or Wishes("x", ["petstore"], [], ""))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_entry_is_the_one_that_the_directorys_tokens_were_verified_with(name: str) -> None:
    """But for what only the person knows: the claims to bind, and the name of Auth0's own groups claim."""
    [entry] = read_issuers_of(name).issuers
    asked, more = DOCUMENTS[name]
    document = {"issuer": entry["issuer"], "jwks_uri": entry.get("jwks_uri", f"{entry['issuer']}/.well-known/jwks.json")} | more
    if "access_token_issuer" in more:
        document["access_token_issuer"] = entry["issuer"]
    wishes = wishes_of(entry, **({"groups_claim": entry["groups_claim"]} if name == "auth0" else {}))
    proposed = proposal(asked or entry["issuer"], document, wishes).entry
    problems: list[str] = []
    said, wanted = (read_issuers(json.dumps([one]), None, problems) for one in (proposed, {**entry, "binding_claims": []}))
    assert problems == []
    assert [replace(one, algorithms=()) for one in said] == [replace(one, algorithms=()) for one in wanted]
    assert sorted(proposed.get("algorithms", [])) == sorted(entry.get("algorithms", []))


KINDS: list[tuple[str, str, str]] = [
    ("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", "https://x.example/keys", "Amazon Cognito"),
    ("https://id.example/eu-west-1_AbC", "https://id.example/keys", "Amazon Cognito"),
    ("https://id.example/realms/shop", "https://id.example/realms/shop/protocol/openid-connect/certs", "Keycloak"),
    ("https://login.shop.example/oauth2/aus1", "https://login.shop.example/oauth2/aus1/v1/keys", "Okta"),
    ("https://adfs.example/adfs", "https://adfs.example/adfs/discovery/keys", "AD FS"),
    ("https://id.example", "https://id.example/keys", "an OpenID Connect issuer that is not known here"),
    ("https://login.auth0.com.evil.example/", "https://id.example/keys", "an OpenID Connect issuer that is not known here"),
]


@pytest.mark.parametrize(("issuer", "jwks_uri", "kind"), KINDS)
def test_a_directory_is_recognised_by_address_or_content(issuer: str, jwks_uri: str, kind: str) -> None:
    assert proposal(issuer, {"issuer": issuer, "jwks_uri": jwks_uri}).kind == kind


def test_auth0_behind_a_name_of_ones_own_is_recognised_by_its_token_endpoint() -> None:
    document = {"issuer": "https://login.shop.example/", "jwks_uri": "https://login.shop.example/.well-known/jwks.json"}
    assert proposal("https://login.shop.example/", document).kind.startswith("an OpenID Connect issuer")
    found = proposal("https://login.shop.example/", document | {"token_endpoint": "https://login.shop.example/oauth/token"})
    assert (found.kind, found.entry["groups_claim"]) == ("Auth0", "permissions")


@pytest.mark.parametrize(
    ("asked", "issuer"), [("https://id.example", "https://id.example/"), ("https://id.example/a/", "https://id.example/a")]
)
def test_a_slash_is_told_and_the_entry_has_what_tokens_say(asked: str, issuer: str) -> None:
    found = proposal(asked, {"issuer": issuer, "jwks_uri": "https://id.example/keys"})
    assert found.entry["issuer"] == issuer
    assert f"`{issuer}`" in found.notes[0]
    assert "slash at the end" in found.notes[0]


EMULATED = ("http://127.0.0.1:4566/us-east-1_AbC", "http://127.0.0.1:4566/us-east-1_AbC/.well-known/jwks.json")


def test_an_emulator_on_this_machine_may_speak_for_awss_issuer() -> None:
    asked, keys = EMULATED
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbC"
    assert proposal(asked, {"issuer": issuer, "jwks_uri": keys}).entry["jwks_uri"] == keys
    with pytest.raises(DiscoveryError, match="answers for another issuer"):
        proposal(asked, {"issuer": issuer + "d", "jwks_uri": keys})
    with pytest.raises(DiscoveryError, match="answers for another issuer"):
        proposal("https://evil.example/us-east-1_AbC", {"issuer": issuer, "jwks_uri": "https://evil.example/keys"})


def test_the_keys_of_localstack_are_asked_by_https() -> None:
    issuer = "http://localhost.localstack.cloud:4566/us-east-1_AbC"
    document = {"issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json"}
    found = proposal("http://localhost:4566/us-east-1_AbC", document, Wishes("", [], ["web"], ""))
    assert found.entry == {
        "issuer": issuer,
        "jwks_uri": "https://localhost.localstack.cloud:4566/us-east-1_AbC/.well-known/jwks.json",
        "client_ids": ["web"],
    }
    assert [note for note in found.notes if "Without `--name`" in note]


US = "https://id.example"
KEYS = "https://id.example/keys"
NOT_USED: dict[str, tuple[str, dict[str, Any], str]] = {
    "of another issuer": (US, {"issuer": "https://bank.example", "jwks_uri": KEYS}, "ask `gatebook issuer https://bank.example`"),
    "of another path": (f"{US}/a", {"issuer": f"{US}/b", "jwks_uri": KEYS}, "answers for another issuer"),
    "of a host in other letters": (US, {"issuer": "https://ID.example", "jwks_uri": KEYS}, "answers for another issuer"),
    "of every tenant": (
        "https://login.microsoftonline.com/common/v2.0",
        {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0", "jwks_uri": KEYS},
        "TENANT-ID",
    ),
    "of another tenant": (f"{ENTRA}/v2.0", {"issuer": "https://sts.windows.net/other/", "jwks_uri": KEYS}, "answers for another issuer"),
    "Entra's, from elsewhere": (f"{US}/{TENANT}", {"issuer": f"https://sts.windows.net/{TENANT}/", "jwks_uri": KEYS}, "another issuer"),
    "of Okta's own server": ("https://shop.okta.com", {"issuer": "https://shop.okta.com", "jwks_uri": KEYS}, "oauth2/default"),
    "access tokens of another host": (
        US,
        {"issuer": US, "jwks_uri": KEYS, "access_token_issuer": "https://bank.example"},
        "another host's",
    ),
    "keys on this machine": (US, {"issuer": US, "jwks_uri": "https://localhost/keys"}, "on your own machine"),
    "keys over http": (US, {"issuer": US, "jwks_uri": "http://id.example/keys"}, "must be an https address"),
    "keys at no address": (US, {"issuer": US, "jwks_uri": "https://[::1"}, "must be an https address"),
    "no algorithm of ours": (
        US,
        {"issuer": US, "jwks_uri": KEYS, "id_token_signing_alg_values_supported": ["HS256", "EdDSA"]},
        "signs with HS256, EdDSA",
    ),
    "no list of algorithms": (US, {"issuer": US, "jwks_uri": KEYS, "id_token_signing_alg_values_supported": "RS256"}, "signs with nothing"),
}


@pytest.mark.parametrize("case", NOT_USED)
def test_a_document_that_cannot_be_trusted_makes_no_entry(case: str) -> None:
    asked, document, says = NOT_USED[case]
    with pytest.raises(DiscoveryError) as caught:
        proposal(asked, document)
    assert says in str(caught.value)


ADDRESSES: list[tuple[str, str]] = [
    ("https://id.example", "https://id.example"),
    (" https://id.example/ ", "https://id.example/"),
    ("https://id.example/realms/a/.well-known/openid-configuration", "https://id.example/realms/a"),
    ("https://id.example/.well-known/oauth-authorization-server", "https://id.example"),
    ("http://127.0.0.1:8080/realms/a", "http://127.0.0.1:8080/realms/a"),
    ("http://[::1]:8080", "http://[::1]:8080"),
]


@pytest.mark.parametrize(("text", "issuer"), ADDRESSES)
def test_an_issuer_is_named_by_its_address_or_its_documents(text: str, issuer: str) -> None:
    assert asked_issuer(text) == issuer


NO_ADDRESSES: list[tuple[str, str]] = [
    ("", "is no address"),
    ("id.example", "is no address"),
    ("https://", "is no address"),
    ("https://[::1", "is no address"),
    ("https://id.example:99999", "is no address"),
    ("https://id.example/a b", "is no address"),
    ("https://id.exampl\u0435", "is no address"),
    ("http://id.example", "use https"),
    ("http://localhost@id.example", "use https"),
    ("file://localhost/etc/passwd", "use https"),
    ("ftp://127.0.0.1/a", "use https"),
    ("https://id.example?x=1", "is no issuer"),
    ("https://id.example#x", "is no issuer"),
    ("https://jane:pw@id.example", "is no issuer"),
    ("http://adfs.example/adfs/services/trust", "gatebook issuer https://adfs.example/adfs"),
]


@pytest.mark.parametrize(("text", "says"), NO_ADDRESSES)
def test_what_cannot_be_asked_is_told(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        asked_issuer(text)


def test_where_documents_may_be() -> None:
    assert candidates("https://id.example/") == [
        "https://id.example/.well-known/openid-configuration",
        "https://id.example/.well-known/oauth-authorization-server",
    ]
    assert candidates("https://id.example/a/b") == [
        "https://id.example/a/b/.well-known/openid-configuration",
        "https://id.example/a/b/.well-known/oauth-authorization-server",
        "https://id.example/.well-known/oauth-authorization-server/a/b",
    ]

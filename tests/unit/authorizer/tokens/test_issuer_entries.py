"""One's own pool said in full, and every field of an entry: what it means, what it is when it is left out, and what is refused."""

import json
from typing import Any

import pytest

from authorizer.tokens import jwks
from authorizer.tokens.claims import MachineRule, TrustedIssuer
from authorizer.tokens.issuer_entries import ALGORITHMS, OwnPool, is_pool_id, key_address, read_issuers

POOL = "eu-west-1_AbCdEfGhI"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
OTHER_FORM = f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}"
OTHER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other"
OWN = OwnPool(POOL, frozenset({"web", "phone"}))
PARTNER = {"name": "partner", "issuer": "https://id.partner.example", "jwks_uri": "https://id.partner.example/keys", "client_ids": ["shop"]}
NO_NAME = "goes without"


def read(*entries: dict[str, Any], own: OwnPool | None = OWN) -> tuple[TrustedIssuer, ...]:
    problems: list[str] = []
    issuers = read_issuers(json.dumps(entries) if entries else "", own, problems)
    assert problems == []
    return issuers


def mistakes(*entries: dict[str, Any], own: OwnPool | None = OWN) -> list[str]:
    problems: list[str] = []
    read_issuers(json.dumps(entries), own, problems)
    return problems


def test_the_shorthand_alone_is_the_pool() -> None:
    [issuer] = read()
    assert issuer == TrustedIssuer("", ISSUER, f"{ISSUER}/.well-known/jwks.json", frozenset({"web", "phone"}), frozenset(), "access")


IN_FULL: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"issuer": ISSUER}, {}),
    ({"name": "", "issuer": ISSUER}, {}),
    ({"token_use": "id"}, {"token_use": "id"}),
    ({"groups_claim": "custom:roles"}, {"groups_claim": "custom:roles"}),
    ({"groups_claim": "/realm_access/roles"}, {"groups_claim": "/realm_access/roles"}),
    ({"algorithms": ["RS256", "RS512"]}, {"algorithms": ("RS256", "RS512")}),
    ({"client_ids": ["web"]}, {"client_ids": frozenset({"web"})}),
    ({"audience": ["https://api.example"]}, {"audience": frozenset({"https://api.example"})}),
    ({"client_claim": "azp"}, {"client_claim": "azp"}),
    ({"machine": {"claim": "gty", "equals": "client-credentials"}}, {"machine": MachineRule("gty", "client-credentials")}),
    ({"machine": {"claim": "service"}}, {"machine": MachineRule("service")}),
    ({"binding_claims": ["email"]}, {"binding_claims": ("email",)}),
    ({"jwks_uri": "http://127.0.0.1:4566/keys"}, {"jwks_uri": "http://127.0.0.1:4566/keys"}),
]


@pytest.mark.parametrize(("entry", "changes"), IN_FULL)
def test_an_entry_without_a_name_says_the_pool_in_full(entry: dict[str, Any], changes: dict[str, Any]) -> None:
    """It takes the shorthand's place, and what it leaves out stays as the shorthand has it."""
    [before], [issuer] = read(), read(entry)
    assert {
        name: getattr(issuer, name) for name in TrustedIssuer.__dataclass_fields__ if getattr(issuer, name) != getattr(before, name)
    } == (
        changes
        | ({"groups_path": ("realm_access", "roles")} if "/realm_access/roles" in changes.values() else {})
        | ({"groups_path": ("custom:roles",)} if "custom:roles" in changes.values() else {})
    )


EMULATORS: list[tuple[str, str]] = [
    ("LocalStack", f"http://localhost.localstack.cloud:4566/{POOL}"),
    ("MiniStack, moto server", f"http://127.0.0.1:5000/{POOL}"),
    ("cognito-local", "http://localhost:9229/local_2abc"),
    ("AWS in China", "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbC"),
]


@pytest.mark.parametrize(("_who", "issuer"), EMULATORS)
def test_an_emulators_issuer_takes_the_place_of_awss(_who: str, issuer: str) -> None:
    own = OwnPool("cn-north-1_AbC" if "china" in _who.lower() else POOL, frozenset({"web"}))
    keys = "http://localhost:4566/keys"
    [read_one] = read({"issuer": issuer, "jwks_uri": keys}, own=own)
    assert (read_one.name, read_one.issuer, read_one.jwks_uri, read_one.client_ids) == ("", issuer, keys, frozenset({"web"}))
    [by_shorthand] = read({"issuer": issuer}, own=own._replace(jwks_uri=keys))
    assert by_shorthand == read_one


def test_where_an_emulators_keys_are_is_not_guessed() -> None:
    [problem] = mistakes({"issuer": f"http://localhost:4566/{POOL}"})
    assert problem == (
        f"`TRUSTED_ISSUERS` entry 0: `jwks_uri` is missing: write where the keys are, which `gatebook issuer http://localhost:4566/{POOL}` finds out"
    )


STRANGERS = [
    "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other",
    f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    f"https://issuer-cognito-idp.us-east-1.amazonaws.com/{POOL}",
    f"https://cognito-idp.eu-west-1.amazonaws.com.cn/x/{POOL}",
    f"https://evil.amazonaws.com/{POOL}",
    f"{ISSUER}/",
    f"{OTHER_FORM}/",
    f"{ISSUER}x",
    f"https://partner.example/x{POOL}",
    "https://id.partner.example",
    "https://localhost.partner.example",
    "http://localhost@id.partner.example/",
    "https://[::1",
    "",
]


@pytest.mark.parametrize("issuer", STRANGERS)
def test_beside_the_shorthand_nobody_else_goes_without_a_name(issuer: str) -> None:
    """Whoever forgets the name of a partner must not hand him our groups."""
    [problem] = mistakes({**PARTNER, "name": "", "issuer": issuer})
    assert problem.endswith(NO_NAME)


def test_the_other_form_of_the_pool_is_added() -> None:
    first, second = read({"issuer": OTHER_FORM, "client_ids": ["web"]})
    assert (first.issuer, second.issuer, second.name) == (ISSUER, OTHER_FORM, "")
    assert second.jwks_uri == f"{OTHER_FORM}/.well-known/jwks.json"
    first, second = read({"issuer": OTHER_FORM, "client_ids": ["web"]}, {"token_use": "id"})
    assert (first.token_use, second.token_use) == ("id", "access")


def test_without_the_shorthand_one_entry_goes_without_a_name() -> None:
    unnamed = {**PARTNER, "name": ""}
    [issuer] = read(unnamed, own=None)
    assert (issuer.name, issuer.issuer) == ("", "https://id.partner.example")
    [problem] = mistakes(unnamed, {**unnamed, "issuer": "https://b.example"}, own=None)
    assert problem.endswith(NO_NAME)
    assert problem.startswith("`TRUSTED_ISSUERS` entry 1: ")
    both = read({"issuer": ISSUER, "client_ids": ["web"]}, {"issuer": OTHER_FORM, "client_ids": ["web"]}, own=None)
    assert [issuer.issuer for issuer in both] == [ISSUER, OTHER_FORM]


def test_the_pool_is_said_in_full_once() -> None:
    [problem] = mistakes({"token_use": "id"}, {"token_use": "access"})
    assert problem.endswith(NO_NAME)


def test_a_named_entry_is_nobodys_shorthand() -> None:
    [pool, partner] = read(PARTNER)
    assert (pool.issuer, partner.issuer, partner.client_ids) == (ISSUER, "https://id.partner.example", frozenset({"shop"}))
    assert mistakes({**PARTNER, "client_ids": []}) == [
        "`TRUSTED_ISSUERS` entry 0: `client_ids` or `audience` must name whose tokens are accepted"
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"issuer": 7}, "`issuer` must be text"),
    ({"jwks_uri": ""}, "`jwks_uri` is missing: write where the keys are, which `gatebook issuer https://id.partner.example` finds out"),
    ({"jwks_uri": "http://id.partner.example"}, "must be an https address, or http on a loopback host"),
    ({"groups_claim": ""}, "`groups_claim` must be a claim's name, or a JSON Pointer"),
    ({"groups_claim": "/a~2"}, "`groups_claim` must be a claim's name, or a JSON Pointer"),
    ({"groups_claim": "/a~"}, "`groups_claim` must be a claim's name, or a JSON Pointer"),
    ({"client_claim": ""}, "`client_claim` must be a claim's name, such as `azp`"),
    ({"client_claim": ["azp"]}, "`client_claim` must be text"),
    *(
        ({"machine": machine}, "`machine` must be an object such as")
        for machine in (
            None,
            "gty",
            {},
            {"claim": ""},
            {"claim": 1},
            {"equals": "x"},
            {"claim": "a", "equals": None},
            {"claim": "a", "is": "b"},
            ["claim"],
        )
    ),
    *(
        ({"algorithms": names}, "`algorithms` may name RS256, RS384, RS512, PS256, ES256")
        for names in ([], ["none"], ["HS256"], ["RS256", "rs256"])
    ),
    ({"algorithms": "RS256"}, "`algorithms` must be a list of names"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_field_is_told_by_its_place(changes: dict[str, Any], message: str) -> None:
    found = mistakes({**PARTNER, **changes})
    assert [problem for problem in found if message in problem] != []
    assert all(problem.startswith("`TRUSTED_ISSUERS` entry 0: ") for problem in found)


@pytest.mark.parametrize(
    ("entry", "own"),
    [
        ({"machine": {"claim": "client_id"}}, OWN),
        ({"machine": {"claim": "sub"}}, OWN),
        ({"machine": {"claim": "azp"}, "client_claim": "azp"}, OWN),
        ({"name": "sister", "issuer": OTHER, "client_ids": ["web"], "machine": {"claim": "client_id"}}, OWN),
        ({**PARTNER, "name": "", "machine": {"claim": "client_id"}}, None),
    ],
)
def test_a_rule_for_machines_that_fits_people_is_refused(entry: dict[str, Any], own: OwnPool | None) -> None:
    """Everybody would hold what the client and the scopes hold."""
    [problem] = mistakes(entry, own=own)
    assert "`machine` fits every token of a user pool" in problem


def test_elsewhere_the_client_may_tell_machines() -> None:
    """Only Keycloak's service accounts have `client_id`."""
    assert read({**PARTNER, "machine": {"claim": "client_id"}})[1].machine == MachineRule("client_id")
    assert read({"machine": {"claim": "client_id", "equals": "job"}})[0].machine == MachineRule("client_id", "job")


@pytest.mark.parametrize("uri", ["https://user:password@keys.example/jwks", "https://user@keys.example/jwks"])
def test_no_password_stands_in_a_key_address(uri: str) -> None:
    """The address stands in errors."""
    assert [problem for problem in mistakes({**PARTNER, "jwks_uri": uri}) if "must be an https address" in problem] != []


@pytest.mark.parametrize("claim", ["roles", "https://portal.example/groups", "/a/b", "/a~0b/~1", "a~2"])
def test_names_of_claims(claim: str) -> None:
    assert read({**PARTNER, "groups_claim": claim})[1].groups_claim == claim


ADDRESSES = [
    (ISSUER, f"{ISSUER}/.well-known/jwks.json"),
    (OTHER_FORM, f"{OTHER_FORM}/.well-known/jwks.json"),
    (
        "https://cognito-idp-fips.us-gov-west-1.amazonaws.com/us-gov-west-1_a",
        "https://cognito-idp-fips.us-gov-west-1.amazonaws.com/us-gov-west-1_a/.well-known/jwks.json",
    ),
    ("https://id.partner.example", ""),
    (f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}", ""),
    (f"http://cognito-idp.eu-west-1.amazonaws.com/{POOL}", ""),
    (f"{ISSUER}/x", ""),
]


@pytest.mark.parametrize(("issuer", "address"), ADDRESSES)
def test_only_a_pools_keys_are_known_to_be_somewhere(issuer: str, address: str) -> None:
    assert key_address(issuer) == address


def test_the_ids_of_pools() -> None:
    assert is_pool_id(POOL)
    assert not is_pool_id("local_2abc")


def test_the_shorthand_of_no_pool_is_not_followed_by_its_consequences() -> None:
    problems: list[str] = []
    [issuer] = read_issuers("", OwnPool("pool", frozenset({"web"})), problems)
    assert (problems, issuer.issuer) == ([], "https://cognito-idp..amazonaws.com/pool")


def test_every_algorithm_that_may_be_chosen_has_keys() -> None:
    assert jwks.ALGORITHMS == ALGORITHMS

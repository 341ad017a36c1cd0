"""Claims that permissions trust and users of the pool write."""

import json
from typing import Any

import pytest

from admin_api.doctor.deployment import AppClient, Deployment, UserPool
from admin_api.doctor.finding import Severity
from admin_api.doctor.writable_attributes import STANDARD, trusted_attributes_that_users_write
from tests.support.deployments import DOCUMENT, POOL, environment, published, sound_function, sound_http, sound_rest

CLIENT = "1h57kf5cpq17m0eml12EXAMPLE"
ROUTES = ["GET /owners/{ownerId}", "GET /shops/{shopId}", {"route": "GET /health", "public": True}]
PARTNER = {
    "name": "partner",
    "issuer": "https://id.example",
    "jwks_uri": "https://id.example/keys",
    "audience": ["petstore"],
    "token_use": "none",
}


def pool(*writable: str, fixed: tuple[str, ...] = (), sign_up: bool = False, told: bool = True) -> UserPool:
    return UserPool(POOL, (AppClient(CLIENT, writable if told else None),), frozenset(fixed), self_sign_up=sign_up)


def bound(claim: str, **changes: Any) -> dict[str, Any]:
    """A document in which guests may call a route where a claim says so."""
    allow = [{"route": "GET /owners/{ownerId}", "where": {"ownerId": claim}}]
    return DOCUMENT | {"routes": ROUTES, "groups": {"guest": {"allow": allow}}} | changes


def given(of_pool: UserPool | None, document: dict[str, Any] | None = None, *issuers: dict[str, Any]) -> Deployment:
    settings = environment(TRUSTED_ISSUERS=json.dumps(issuers) if issuers else "")
    return sound_rest(
        pools=() if of_pool is None else (of_pool,), published=published(document), function=sound_function(environment=settings)
    )


BY_SCOPE = {"allow": [{"route": "GET /owners/{ownerId}", "where": {"ownerId": "email"}}]}
CONSENTED = bound("sub", scopes={"pets/read": BY_SCOPE}, clients={"third": {"delegated": True}})
LITTLE = {"allow": ["GET /shops/{shopId}"]}


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        given(None, bound("email")),
        sound_rest(pools=(pool("email"),), published=None),
        given(pool("name"), bound("email")),
        given(pool(), bound("email")),
        given(pool(told=False), bound("custom:tenant")),
        given(pool("email", "custom:tenant"), bound("custom:tenants")),
        # What Cognito alone writes, though a list may name it.
        given(pool("sub", "username", "cognito:username", "email_verified", "identities"), bound("sub")),
        given(pool("cognito:username"), bound("cognito:username")),
        given(pool("email_verified"), bound("email_verified")),
        given(pool("phone_number_verified"), bound("phone_number_verified")),
        given(pool("identities"), bound("identities")),
        given(pool("custom:tenant", fixed=("custom:tenant",)), bound("custom:tenant")),
        given(pool("email"), bound("sub", groups={"guest": {"allow": ["GET /owners/{ownerId}"]}})),
        # Programs have no attributes, and people through no delegated client no scopes.
        given(pool("email"), bound("sub", clients={"job": BY_SCOPE})),
        given(pool("email"), bound("sub", scopes={"pets/read": BY_SCOPE}, clients={"job": LITTLE})),
        given(pool("email"), bound("sub", clients={"job": {"delegated": True} | BY_SCOPE})),
        # Another directory's people do not write in this pool.
        given(
            pool("email"),
            bound("sub", groups={"partner:guest": bound("email")["groups"]["guest"]}),
            PARTNER | {"binding_claims": ["email"]},
        ),
        given(pool("custom:roles"), None, {"groups_claim": "custom:role", "token_use": "id"}),
        given(pool("custom:roles"), None, PARTNER | {"groups_claim": "custom:roles", "machine": {"claim": "custom:roles"}}),
    ],
)
def test_nothing_is_said_of_claims_that_users_do_not_write(deployment: Deployment) -> None:
    assert list(trusted_attributes_that_users_write(deployment)) == []


BY_GUESTS = "`group/guest allow GET /owners/{ownerId} where {ownerId} = {claim}`"


@pytest.mark.parametrize(
    ("of_pool", "claim", "how"),
    [
        (pool("email"), "email", ""),
        (pool(told=False), "email", ""),
        (pool(told=False), "preferred_username", ""),
        (pool("name", "custom:tenant"), "custom:tenant", ""),
        (pool("custom:tenant", sign_up=True), "custom:tenant", ""),
        (pool("custom:tenant", fixed=("custom:tenant",), sign_up=True), "custom:tenant", " as they sign up"),
        (pool("custom:tenant", fixed=("email",)), "custom:tenant", ""),
    ],
)
def test_a_claim_that_users_write_is_an_error_with_the_permission_that_trusts_it(of_pool: UserPool, claim: str, how: str) -> None:
    [found] = trusted_attributes_that_users_write(given(of_pool, bound(claim)))
    assert (found.severity, found.about) == (Severity.ERROR, f"app client {CLIENT}")
    by = BY_GUESTS.replace("{claim}", claim)
    trigger = " (it stands in access tokens if a pre token generation trigger puts it there)"
    assert found.message == f"its users write `{claim}`{how}, which decides for {by}{trigger}"


@pytest.mark.parametrize(
    "document",
    [
        bound("sub", everyone=BY_SCOPE),
        bound("sub", groups={"guest": BY_SCOPE}),
        bound("sub", groups={"other:guest": BY_SCOPE}),
        CONSENTED,
    ],
)
def test_whoever_may_be_of_the_pool_counts(document: dict[str, Any]) -> None:
    [found] = trusted_attributes_that_users_write(given(pool("email"), document, PARTNER))
    assert "`email`" in found.message


@pytest.mark.parametrize(
    "claim",
    [
        *("address", "birthdate", "email", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname"),
        *("phone_number", "picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo"),
    ],
)
def test_users_of_a_client_without_a_list_write_every_standard_attribute(claim: str) -> None:
    """As the user pools guide lists them, but for `sub` ("Standard attributes")."""
    [found] = trusted_attributes_that_users_write(given(pool(told=False), bound(claim)))
    assert f"`{claim}`" in found.message


@pytest.mark.parametrize(
    ("issuers", "needs_a_trigger"),
    [
        ([{"token_use": "id"}], False),
        ([{"token_use": "id"}, PARTNER], False),
        ([PARTNER], True),
        ([PARTNER | {"token_use": "id"}], True),
    ],
)
def test_id_tokens_of_the_pool_have_attributes_without_a_trigger(issuers: list[dict[str, Any]], needs_a_trigger: bool) -> None:
    [found] = trusted_attributes_that_users_write(given(pool("email"), bound("email"), *issuers))
    assert found.message.endswith("where {ownerId} = email`") is not needs_a_trigger
    assert ("trigger" in found.message) is needs_a_trigger


@pytest.mark.parametrize(
    ("entry", "by"),
    [
        ({"groups_claim": "custom:roles"}, "the groups of everybody"),
        ({"groups_claim": "/custom:roles/of_all"}, "the groups of everybody"),
        ({"machine": {"claim": "custom:roles", "equals": "bot"}}, "whether a token is a program's"),
    ],
)
def test_groups_and_programs_that_users_write_are_errors(entry: dict[str, Any], by: str) -> None:
    [found] = trusted_attributes_that_users_write(given(pool("email", "custom:roles"), None, entry | {"token_use": "id"}))
    assert (found.severity, found.message) == (Severity.ERROR, f"its users write `custom:roles`, which decides for {by}")
    # The same without a document.
    settings = environment(TRUSTED_ISSUERS=json.dumps([entry | {"token_use": "id"}]))
    [found] = trusted_attributes_that_users_write(
        sound_rest(pools=(pool("custom:roles"),), published=None, function=sound_function(environment=settings))
    )
    assert found.message.endswith(by)


def test_both_addresses_of_the_pool_are_one_directory() -> None:
    other = {"issuer": f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}", "client_ids": [CLIENT], "groups_claim": "custom:roles"}
    [found] = trusted_attributes_that_users_write(given(pool("custom:roles"), None, {"groups_claim": "custom:roles"}, other))
    assert found.message.count("the groups of everybody") == 1


def test_without_settings_the_pool_is_taken_for_the_only_directory() -> None:
    unread = sound_rest(pools=(pool("email"),), published=published(bound("email")), function=None)
    assert len(list(trusted_attributes_that_users_write(unread))) == 1


def test_each_client_and_claim_is_named_once_with_some_of_the_permissions() -> None:
    allow = [{"route": f"GET /{name}/{{id}}", "where": {"id": "email"}} for name in "abcde"]
    document = bound(
        "sub",
        routes=[entry["route"] for entry in allow],
        groups={"guest": {"allow": [*allow, {"route": "GET /a/{id}", "where": {"id": "name"}}]}},
    )
    clients = (AppClient("one", ("name", "email")), AppClient("two", None), AppClient("three", ("locale",)))
    found = list(trusted_attributes_that_users_write(given(UserPool(POOL, clients, frozenset(), self_sign_up=False), document)))
    assert sorted((f.about, f.message.split("`")[1]) for f in found) == [
        (f"app client {c}", a) for c in ("one", "two") for a in ("email", "name")
    ]
    of_email = next(f for f in found if "`email`" in f.message)
    assert of_email.message.count("where") == 3
    assert " and 2 more (" in of_email.message
    three = document | {"groups": {"guest": {"allow": allow[:3]}}}
    assert [" more" in f.message for f in trusted_attributes_that_users_write(given(pool("email"), three))] == [False]


@pytest.mark.parametrize(
    ("of_pool", "rest"),
    [
        (pool("email", "locale", "name"), "locale name"),
        (pool(told=False), " ".join(name for name in STANDARD if name != "email")),
        # An empty list would be as none, which are all.
        (pool("email"), "ONE_THAT_NOTHING_TRUSTS"),
    ],
)
def test_the_remedy_lists_what_users_may_still_write(of_pool: UserPool, rest: str) -> None:
    [found] = trusted_attributes_that_users_write(given(of_pool, bound("email")))
    assert found.remedy.startswith(
        f"`aws cognito-idp update-user-pool-client --user-pool-id {POOL} --client-id {CLIENT} --write-attributes {rest}`, and with it all else"
    )


THEIRS = "eu-west-1_Theirs"
THEIR_POOL = {"name": "partner", "issuer": f"https://cognito-idp.eu-west-1.amazonaws.com/{THEIRS}", "client_ids": ["theirs"]}


def with_partner(entry: dict[str, Any], document: dict[str, Any], *writable: str) -> Deployment:
    """One's own pool, where nobody writes anything, and a partner's."""
    theirs = UserPool(THEIRS, (AppClient("theirs", writable),), frozenset(), self_sign_up=True, issuers=frozenset({"partner"}))
    settings = environment(TRUSTED_ISSUERS=json.dumps([THEIR_POOL | entry]))
    return sound_rest(pools=(pool(), theirs), published=published(document), function=sound_function(environment=settings))


OF_PARTNER = bound("sub", groups={"partner:guest": BY_SCOPE})


@pytest.mark.parametrize(
    ("entry", "document", "writable", "by"),
    [
        ({"binding_claims": ["email"]}, OF_PARTNER, "email", "`group/partner:guest allow GET /owners/{ownerId} where {ownerId} = email`"),
        ({"groups_claim": "custom:roles"}, DOCUMENT, "custom:roles", "the groups of everybody of issuer `partner`"),
        ({"machine": {"claim": "custom:kind"}}, DOCUMENT, "custom:kind", "whether a token of issuer `partner` is a program's"),
    ],
)
def test_what_a_partners_users_write_decides_for_the_partners_people(
    entry: dict[str, Any], document: dict[str, Any], writable: str, by: str
) -> None:
    [found] = trusted_attributes_that_users_write(with_partner(entry, document, writable))
    assert (found.about, found.message.partition(", which")[0]) == ("app client theirs", f"its users write `{writable}`")
    assert by in found.message
    assert f"--user-pool-id {THEIRS}" in found.remedy


@pytest.mark.parametrize(
    ("entry", "document", "writable"),
    [
        # `where` of a partner's people counts claims that the issuer may bind, and no other.
        ({"binding_claims": ["name"]}, OF_PARTNER, "email"),
        ({"binding_claims": ["email"]}, bound("email"), "email"),
        ({"groups_claim": "custom:roles"}, DOCUMENT, "custom:role"),
    ],
)
def test_a_partners_users_decide_nothing_for_others(entry: dict[str, Any], document: dict[str, Any], writable: str) -> None:
    assert list(trusted_attributes_that_users_write(with_partner(entry, document, writable))) == []

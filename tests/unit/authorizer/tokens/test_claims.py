"""Claims: each one wrong, missing and of the wrong type, and what the right ones say of their bearer."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from authorizer.errors import TokenError
from authorizer.policy.permission import PrincipalRef
from authorizer.tokens.claims import MachineRule, Principal, TrustedIssuer, _group_refs, check_claims, consent_of, refs_of
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, Issuer

OURS = TrustedIssuer(
    name="",
    issuer=ISSUER,
    jwks_uri=f"{ISSUER}/.well-known/jwks.json",
    client_ids=frozenset({CLIENT_ID, "another-client"}),
    audience=frozenset(),
    token_use="access",
)
FOR_AN_AUDIENCE = replace(OURS, client_ids=frozenset(), audience=frozenset({"https://api.example", "https://other.example"}))
FOR_BOTH = replace(FOR_AN_AUDIENCE, client_ids=OURS.client_ids)
ID_TOKENS = replace(OURS, token_use="id")
WITHOUT_TOKEN_USE = replace(OURS, token_use="none")
PARTNER = replace(OURS, name="partner")

US = Issuer()
SUB = "9a1b2c3d-0000-4000-8000-000000000001"
JTI = "11111111-0000-4000-8000-000000000001"
ORIGIN_JTI = "22222222-0000-4000-8000-000000000001"


def person(*groups: str, without: str = "", **changes: Any) -> dict[str, Any]:
    """A user's claims; unlike `access_claims`, a None stays and is JSON's null."""
    claims = US.access_claims(*groups) | changes
    claims.pop(without, None)
    return claims


def check(claims: Mapping[str, object], issuer: TrustedIssuer = OURS, now: float = NOW) -> Principal:
    return check_claims(claims, issuer, now)


def reason(claims: Mapping[str, object], issuer: TrustedIssuer = OURS, now: float = NOW) -> str:
    """Why the claims are refused, in words that repeat none of them."""
    with pytest.raises(TokenError) as caught:
        check(claims, issuer, now)
    for value in claims.values():
        text = value if isinstance(value, str) else json.dumps(value)
        assert len(text) < 6 or text not in str(caught.value)
    return caught.value.reason


def named(refs: tuple[PrincipalRef, ...]) -> list[str]:
    return [str(ref) for ref in refs]


def test_a_users_access_token_says_who_the_bearer_is() -> None:
    principal = check(person("owner", "guest"))
    assert (principal.subject, principal.groups, principal.client_id) == (SUB, ("owner", "guest"), CLIENT_ID)
    assert named(principal.refs) == ["everyone", "group/guest", "group/owner"]
    assert (principal.issuer, principal.issuer_name) == (ISSUER, "")
    assert (principal.jti, principal.origin_jti) == (JTI, ORIGIN_JTI)
    assert (principal.issued_at, principal.auth_time, principal.expires_at) == (1_799_999_990, 1_799_999_990, 1_800_003_590)
    assert {**principal.claims}.items() >= {"sub": SUB, "client_id": CLIENT_ID, "username": "jane"}.items()
    assert not principal.is_machine


NOT_MOMENTS: list[object] = [
    *(None, True, False, "1800003590", "", [1_800_003_590], {}, -1, -0.5, 2**40, 10**400),
    *(float("nan"), float("inf"), float("-inf"), 1e30),
]


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "auth_time"])
@pytest.mark.parametrize("value", NOT_MOMENTS, ids=str)
def test_a_time_is_a_number_of_seconds_within_reason(claim: str, value: object) -> None:
    assert reason(person() | {claim: value}) == "claim_type"


MISSING = {"iss": "issuer", "exp": "expired", "token_use": "token_use", "client_id": "client_id", "sub": "subject"}


@pytest.mark.parametrize(("claim", "why"), MISSING.items())
def test_no_demanded_claim_may_be_missing(claim: str, why: str) -> None:
    assert reason(person("admin", without=claim)) == why


@pytest.mark.parametrize("claim", ["nbf", "iat", "auth_time", "jti", "origin_jti", "scope", "username", "version"])
def test_other_claims_may_be_missing(claim: str) -> None:
    assert check(person("guest", without=claim)).subject == SUB


def test_what_a_token_does_not_say_is_none() -> None:
    bare = check({"iss": ISSUER, "sub": SUB, "client_id": CLIENT_ID, "token_use": "access", "exp": NOW + 1})
    assert (bare.jti, bare.origin_jti, bare.issued_at, bare.auth_time, bare.groups) == (None, None, None, None, ())
    assert named(bare.refs) == ["everyone"]


WRONG: dict[tuple[str, str], list[object]] = {
    ("iss", "issuer"): [ISSUER + "/", ISSUER.upper(), ISSUER[:-1], "", None, [ISSUER], {ISSUER: 1}, 1, True],
    ("exp", "expired"): [NOW, NOW - 1, NOW + 0.9, 0, 1, 1.5],
    ("nbf", "not_yet_valid"): [NOW + 61, NOW + 61.5, NOW + 3600, 2**40 - 1],
    ("iat", "issued_in_future"): [NOW + 61, NOW + 61.5, NOW + 3600, 2**40 - 1],
    ("token_use", "token_use"): ["id", "refresh", "none", "Access", "access ", "", None, ["access"], True, 1],
    ("client_id", "client_id"): ["a-stranger", CLIENT_ID.upper(), f"{CLIENT_ID} ", "", None],
    ("client_id", "claim_type"): [[CLIENT_ID], {CLIENT_ID: 1}, 5, True, []],
    ("sub", "subject"): ["", "x" * 257, "a\nb", "a\x00", "\x7f", "\u202e", "\ud800", None, 7, True, [SUB], {}],
    ("jti", "claim_type"): [7, 0, False, [JTI], {}],
    ("origin_jti", "claim_type"): [7, 0, False, [ORIGIN_JTI], {}],
    ("cognito:groups", "groups"): [
        *("", 1, True, {"admin": 1}, {}),
        *([1], [None], [["admin"]], ["admin", ""], ["admin", {}], [True]),
    ],
}


@pytest.mark.parametrize(("claim", "why", "value"), [(*key, value) for key, values in WRONG.items() for value in values], ids=ascii)
def test_a_wrong_claim_is_refused(claim: str, why: str, value: object) -> None:
    assert reason(person("guest") | {claim: value}) == why


NO_SCOPES: list[object] = [None, 1, True, {"pets/read": 1}, [1], ["pets/read", 1], []]

ACCEPTED: dict[str, list[object]] = {
    "exp": [NOW + 1, NOW + 1.9, 2**40 - 1, float(NOW + 5)],
    "nbf": [0, NOW, NOW + 60, NOW + 60.9],
    "iat": [0, NOW, NOW + 60, NOW + 60.9],
    "client_id": ["another-client"],
    "sub": ["x" * 256, "Jané Doe"],
    "cognito:groups": [[], None, "admin", "Domain Admins"],
    "scope": ["", None, 1, True, ["pets/read"], {"pets/read": 1}, " ".join(f"n{number}" for number in range(120))],
    "scp": [None, 1],
    "jti": [None],
    "aud": ["https://anything.example"],
    "unheard-of": [{"of": [None]}],
}


@pytest.mark.parametrize(("claim", "value"), [(claim, value) for claim, values in ACCEPTED.items() for value in values], ids=ascii)
def test_a_right_claim_is_accepted(claim: str, value: object) -> None:
    assert check(person() | {claim: value}).issuer == ISSUER


@pytest.mark.parametrize(("now", "holds"), [(NOW + 99, True), (NOW + 99.999, True), (NOW + 100, False), (NOW + 100.001, False)])
def test_a_token_ends_at_the_very_second_of_its_expiry(now: float, holds: bool) -> None:
    claims = person(exp=NOW + 100)
    if holds:
        assert check(claims, now=now).expires_at == NOW + 100
    else:
        assert reason(claims, now=now) == "expired"


def test_an_id_token_is_accepted_only_where_that_is_configured() -> None:
    claims = US.id_claims("guest")
    assert reason(claims) == "token_use"
    assert named(check(claims, ID_TOKENS).refs) == ["everyone", "group/guest"]
    assert reason(person("guest", aud=CLIENT_ID), ID_TOKENS) == "token_use"


@pytest.mark.parametrize(
    ("audience", "why"),
    [
        *(("a-stranger", "client_id"), ([], "client_id"), ([CLIENT_ID, "a-stranger"], "client_id"), ("", "client_id")),
        *((None, "claim_type"), ([1], "claim_type"), ([CLIENT_ID, None], "claim_type"), ({CLIENT_ID: 1}, "claim_type"), (5, "claim_type")),
    ],
)
def test_an_id_token_is_for_our_clients_alone(audience: object, why: str) -> None:
    assert reason(US.id_claims() | {"aud": audience}, ID_TOKENS) == why


def test_the_client_of_an_id_token_is_its_audience_and_not_client_id() -> None:
    assert reason(US.id_claims(aud=None, client_id=CLIENT_ID), ID_TOKENS) == "client_id"
    assert reason(US.id_claims(aud="a-stranger", client_id=CLIENT_ID), ID_TOKENS) == "client_id"
    assert check(US.id_claims(aud=[CLIENT_ID, "another-client"]), ID_TOKENS).subject == SUB


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ({"aud": "another-client"}, "another-client"),
        ({"aud": "another-client", "client_id": CLIENT_ID}, "another-client"),
        ({"aud": ["another-client"], "client_id": "a-stranger"}, "another-client"),
        ({"aud": [CLIENT_ID, "another-client"], "client_id": "another-client"}, "another-client"),
        ({"aud": [CLIENT_ID, "another-client"]}, None),
        ({"aud": [CLIENT_ID, "another-client"], "client_id": "a-stranger"}, None),
    ],
)
def test_the_client_of_an_id_token_is_whom_it_is_for(said: dict[str, Any], client: str | None) -> None:
    """Whether its client is delegated or on the denylist is asked about that one, whatever another claim says."""
    principal = check(US.id_claims("guest") | said, ID_TOKENS)
    assert principal.client_id == client
    assert named(principal.consent) == ([f"client/{client}"] if client else [])


def test_without_token_use_there_must_be_a_word_for_it() -> None:
    claims = person("guest", without="token_use")
    assert reason(claims) == "token_use"
    assert check(claims, WITHOUT_TOKEN_USE).groups == ("guest",)


@pytest.mark.parametrize("issuer", [FOR_AN_AUDIENCE, FOR_BOTH])
@pytest.mark.parametrize("audience", ["https://api.example", ["https://api.example"], ["https://x.example", "https://other.example"]])
def test_one_of_a_list_of_audiences_is_enough(issuer: TrustedIssuer, audience: object) -> None:
    assert check(person(aud=audience), issuer).subject == SUB


@pytest.mark.parametrize(
    ("audience", "why"),
    [
        *(("https://x.example", "audience"), ("", "audience"), ([], "audience"), ("https://api.example https://other.example", "audience")),
        *((["https://api.example/"], "audience"), (None, "claim_type"), (["https://api.example", 1], "claim_type"), (True, "claim_type")),
    ],
    ids=repr,
)
@pytest.mark.parametrize("issuer", [FOR_AN_AUDIENCE, FOR_BOTH])
def test_a_token_for_somebody_else_is_refused(issuer: TrustedIssuer, audience: object, why: str) -> None:
    assert reason(person(aud=audience), issuer) == why


def test_a_missing_audience_is_not_any_audience() -> None:
    assert reason(person(), FOR_AN_AUDIENCE) == "audience"


def test_where_clients_and_audience_are_configured_both_are_demanded() -> None:
    assert reason(person(aud="https://api.example", client_id="a-stranger"), FOR_BOTH) == "client_id"
    assert check(person(aud="https://api.example", client_id="a-stranger"), FOR_AN_AUDIENCE).client_id == "a-stranger"


@pytest.mark.parametrize("token_use", ["access", "none"])
def test_an_issuer_without_clients_and_audience_trusts_nobody(token_use: str) -> None:
    nobody = replace(OURS, client_ids=frozenset(), token_use=token_use)
    assert reason(person("admin", aud=CLIENT_ID), nobody) == "unrestricted_issuer"


MACHINES: list[tuple[dict[str, Any], list[str]]] = [
    ({"scope": "pets/write pets/read"}, ["everyone", f"client/{CLIENT_ID}", "scope/pets/read", "scope/pets/write"]),
    ({"scope": "  pets/read   pets/read "}, ["everyone", f"client/{CLIENT_ID}", "scope/pets/read"]),
    ({"scope": ""}, ["everyone", f"client/{CLIENT_ID}"]),
    ({"sub": "another-client", "client_id": "another-client", "scope": "s"}, ["everyone", "client/another-client", "scope/s"]),
]


@pytest.mark.parametrize(("changes", "refs"), MACHINES)
def test_a_machine_is_its_client_and_its_scopes(changes: dict[str, Any], refs: list[str]) -> None:
    principal = check(US.machine_claims(**changes))
    assert (named(principal.refs), principal.is_machine, principal.groups) == (refs, True, ())


PERSONS: list[tuple[dict[str, Any], list[str]]] = [
    ({"username": "jane"}, ["everyone"]),
    ({"username": ""}, ["everyone"]),
    ({"cognito:username": "jane"}, ["everyone"]),
    ({"cognito:groups": []}, ["everyone"]),
    ({"cognito:groups": ["guest", "admin", "guest"]}, ["everyone", "group/admin", "group/guest"]),
    ({"sub": SUB}, ["everyone"]),
    ({"sub": "another-client"}, ["everyone"]),
]


@pytest.mark.parametrize(("changes", "refs"), PERSONS)
def test_scopes_and_client_of_a_persons_token_widen_nothing(changes: dict[str, Any], refs: list[str]) -> None:
    principal = check(US.machine_claims("pets/read", "aws.cognito.signin.user.admin") | changes)
    assert (named(principal.refs), principal.is_machine) == (refs, False)


CONSENTS: list[tuple[object, list[str]]] = [
    ("openid pets/write pets/read openid", ["scope/openid", "scope/pets/read", "scope/pets/write"]),
    ("  pets/read ", ["scope/pets/read"]),
    (["pets/write", "pets/read", "", "a b"], ["scope/a b", "scope/pets/read", "scope/pets/write"]),
    ("", []),
    *((scope, []) for scope in NO_SCOPES),
]


@pytest.mark.parametrize(("scope", "scopes"), CONSENTS)
def test_a_persons_token_says_through_which_client_and_with_which_scopes(scope: object, scopes: list[str]) -> None:
    claims = person("guest") | {"scope": scope}
    assert named(check(claims).consent) == [f"client/{CLIENT_ID}", *scopes]
    assert named(consent_of(claims)) == [f"client/{CLIENT_ID}", *scopes]
    assert named(check(claims).refs) == ["everyone", "group/guest"]


def test_a_named_issuers_consent_carries_its_name() -> None:
    claims = person("guest", scope="pets/read") | {"iss": PARTNER.issuer}
    consent = [f"client/partner:{CLIENT_ID}", "scope/partner:pets/read"]
    assert named(check(claims, PARTNER).consent) == named(consent_of(claims, PARTNER)) == consent


def test_the_client_of_an_id_token_is_the_one_that_it_was_made_for() -> None:
    """It has no scopes: through a delegated client it opens nothing."""
    claims = person("guest", without="client_id", scope="") | {"aud": CLIENT_ID, "token_use": "id"}
    assert named(check(claims, ID_TOKENS).consent) == named(consent_of(claims, ID_TOKENS)) == [f"client/{CLIENT_ID}"]


def test_a_persons_scopes_are_as_many_as_the_token_holds() -> None:
    names = [f"s{number}" for number in range(120)]
    claims = person("guest", scope=" ".join(names))
    assert set(named(check(claims).consent)) == {f"client/{CLIENT_ID}", *(f"scope/{name}" for name in names)}


def test_no_consent_of_ours_is_for_a_partners_scope() -> None:
    ours = replace(OURS, foreign_names=frozenset({"partner"}))
    claims = person("guest", scope="partner:read pets/read")
    assert named(check(claims, ours).consent) == named(consent_of(claims, ours)) == [f"client/{CLIENT_ID}", "scope/pets/read"]


def test_machines_and_tokens_without_a_client_have_no_consent() -> None:
    machine = US.machine_claims("pets/read")
    assert check(machine).consent == consent_of(machine) == ()
    assert consent_of(person("guest", without="client_id")) == ()


def test_a_consent_is_made_once_for_all_tokens_that_say_it() -> None:
    assert check(person("guest", scope="a b")).consent is check(person("owner", scope="a b") | {"sub": "u2"}).consent


@pytest.mark.parametrize("changes", [{"username": None}, {"cognito:username": None}])
def test_a_null_name_is_a_persons_all_the_same(changes: dict[str, Any]) -> None:
    assert named(check(US.machine_claims("pets/read") | changes).refs) == ["everyone"]


MANY = [f"n{number}" for number in range(101)]


def test_more_than_100_scopes_of_a_machine_are_refused() -> None:
    assert reason(US.machine_claims(*MANY)) == "too_many_refs"
    assert len(check(US.machine_claims(*MANY[:100])).refs) == 1 + 1 + 100


@pytest.mark.parametrize("count", [100, 101, 250, 4000])
def test_a_token_has_as_many_groups_as_it_holds(count: int) -> None:
    names = [f"n{number}" for number in range(count)]
    principal = check(person(*names))
    assert principal.groups == tuple(names)
    assert set(named(principal.refs)) == {"everyone", *(f"group/{name}" for name in names)}


def test_a_large_set_of_groups_is_remembered_by_nobody() -> None:
    _group_refs.cache_clear()
    check(person(*MANY))
    assert _group_refs.cache_info().currsize == 0
    check(person(*MANY[:100]))
    assert _group_refs.cache_info().currsize == 1


WRONG_SCOPES: list[object] = [1, True, {"pets/read": 1}, [1], [None], ["pets/read", {}]]


@pytest.mark.parametrize("scope", WRONG_SCOPES, ids=repr)
def test_scopes_that_decide_must_be_scopes(scope: object) -> None:
    assert reason(US.machine_claims() | {"scope": scope}) == "scope"
    assert check(person("guest") | {"scope": scope}).groups == ("guest",)


def test_a_partners_admins_are_nobody_here() -> None:
    ours, theirs = (check(person("gatebook-admins", "partner:admin"), issuer) for issuer in (OURS, PARTNER))
    assert named(theirs.refs) == ["everyone", "group/partner:gatebook-admins", "group/partner:partner:admin"]
    assert theirs.groups == ("partner:gatebook-admins", "partner:partner:admin")
    assert theirs.subject == f"partner:{SUB}"
    assert (theirs.issuer, theirs.issuer_name, theirs.client_id) == (ISSUER, "partner", CLIENT_ID)
    assert "group/gatebook-admins" in named(ours.refs)


def test_a_partners_machines_are_not_ours() -> None:
    refs = check(US.machine_claims("pets/read"), PARTNER).refs
    assert named(refs) == ["everyone", f"client/partner:{CLIENT_ID}", "scope/partner:pets/read"]


def test_groups_come_from_the_configured_claim_alone() -> None:
    roles = replace(OURS, groups_claim="roles")
    assert named(check(person("admin", roles=["guest"]), roles).refs) == ["everyone", "group/guest"]
    assert named(check(person("admin", roles="guest"), roles).refs) == ["everyone", "group/guest"]
    assert reason(person("admin", roles={"guest": 1}), roles) == "groups"
    machine = US.machine_claims("pets/read")
    assert check(machine, roles).is_machine
    assert not check(machine | {"roles": []}, roles).is_machine


BINDABLE: list[tuple[object, str]] = [
    *((text, text) for text in ("a", "x" * 128, "A-Z.0_9~", "...", "a.b", "a:b", "alice@x.com", "auth0|1", "a+b=c")),
    *((number, str(number)) for number in (7, 0, -7, 2**70)),
]
UNBINDABLE = ["", ".", "..", "x" * 129, "a/b", "a b", "*", "?", "${aws:username}", "%2F", "é", "a\n", True, 7.0, None, ["a"], {}]


@pytest.mark.parametrize(("value", "text"), BINDABLE)
def test_any_claim_of_ones_own_pool_can_be_bound(value: object, text: str) -> None:
    claims = check(person() | {"custom:tenant_id": value}).claims
    assert claims["custom:tenant_id"] == text
    assert "custom:tenant_id" in set(claims)
    assert len(claims) == len(set(claims))
    assert claims.get("absent") is None


@pytest.mark.parametrize("value", UNBINDABLE, ids=repr)
def test_what_a_policy_could_misread_cannot_be_bound(value: object) -> None:
    claims = check(person(email=value)).claims
    assert claims.get("email") is None
    assert "email" not in set(claims)


@pytest.mark.parametrize(
    ("moments", "reason"), [({"auth_time": 60}, None), ({"auth_time": 61}, "issued_in_future"), ({"iat": 61}, "issued_in_future")]
)
def test_nobody_has_signed_in_tomorrow(moments: dict[str, int], reason: str | None) -> None:
    """Otherwise an entry of the denylist for tokens issued before now would not hold for this one."""
    claims = person() | {name: NOW + ahead for name, ahead in moments.items()}
    if reason is None:
        assert check(claims).subject == SUB
    else:
        with pytest.raises(TokenError) as caught:
            check(claims)
        assert caught.value.reason == reason


BINDINGS: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
    ("", (), {"email": "jane.example", "tenant": "t1", "sub": SUB}),
    ("", ("email",), {"email": "jane.example", "tenant": "t1", "sub": SUB}),
    ("partner", (), {}),
    ("partner", ("email", "absent"), {"email": "jane.example"}),
    ("partner", ("sub",), {"sub": SUB}),
]


@pytest.mark.parametrize(("name", "listed", "expected"), BINDINGS)
def test_a_partner_binds_only_what_is_listed(name: str, listed: tuple[str, ...], expected: dict[str, str]) -> None:
    claims = check(person(email="jane.example", tenant="t1"), replace(OURS, name=name, binding_claims=listed)).claims
    assert {claim: claims[claim] for claim in ("email", "tenant", "sub", "absent") if claim in claims} == expected
    if name:
        assert claims == expected


NESTED = {"realm_access": {"roles": ["reader"], "a/b": {"~": "tilde"}}, "resource_access": {"shop": {"roles": ["seller", "buyer"]}}}
POINTERS: list[tuple[str, list[str]]] = [
    ("/realm_access/roles", ["reader"]),
    ("/resource_access/shop/roles", ["seller", "buyer"]),
    ("/realm_access/a~1b/~0", ["tilde"]),
    ("/realm_access/absent", []),
    ("/realm_access/roles/0", []),
    ("/absent/roles", []),
    ("realm_access.roles", []),
]


@pytest.mark.parametrize(("pointer", "groups"), POINTERS)
def test_groups_may_lie_within_a_claim(pointer: str, groups: list[str]) -> None:
    claims = person("admin") | NESTED
    assert check(claims, replace(OURS, groups_claim=pointer)).groups == tuple(groups)


KEYCLOAK_MACHINE = {
    "sub": "5c6e-service",
    "azp": "reports",
    "client_id": "reports",
    "realm_access": {"roles": ["reader"]},
    "scope": "pets/read email",
}
MACHINE_RULES: list[tuple[MachineRule, dict[str, Any], bool]] = [
    (MachineRule("gty", "client-credentials"), {"gty": "client-credentials"}, True),
    (MachineRule("gty", "client-credentials"), {"gty": "password"}, False),
    (MachineRule("gty", "client-credentials"), {"gty": ["client-credentials"]}, False),
    (MachineRule("gty", "client-credentials"), {"gty": None}, False),
    (MachineRule("gty", "client-credentials"), {}, False),
    (MachineRule("service"), {"service": "x"}, True),
    (MachineRule("service"), {"service": True}, True),
    (MachineRule("service"), {"service": False}, False),
    (MachineRule("service"), {"service": ""}, False),
    (MachineRule("service"), {"service": None}, False),
    (MachineRule("service"), {}, False),
]


@pytest.mark.parametrize(("rule", "said", "is_machine"), MACHINE_RULES)
def test_an_issuer_says_how_its_machines_are_told(rule: MachineRule, said: dict[str, Any], is_machine: bool) -> None:
    issuer = replace(PARTNER, client_ids=frozenset({"reports"}), client_claim="azp", machine=rule, groups_claim="/realm_access/roles")
    principal = check(person(without="username") | KEYCLOAK_MACHINE | said, issuer)
    people = ["everyone", "group/partner:reader"]
    machines = ["everyone", "client/partner:reports", "group/partner:reader", "scope/partner:email", "scope/partner:pets/read"]
    assert (named(principal.refs), principal.is_machine) == (machines if is_machine else people, is_machine)
    assert (principal.client_id, principal.named_client_id) == ("reports", "partner:reports")


def test_without_a_rule_a_machines_subject_is_its_client() -> None:
    okta = replace(PARTNER, client_claim="cid", client_ids=frozenset({"0oa1"}), groups_claim="groups")
    claims = person(without="username", client_id="a-stranger", cid="0oa1", sub="0oa1", scp=["pets/read"])
    claims.pop("scope")
    assert named(check(claims, okta).refs) == ["everyone", "client/partner:0oa1", "scope/partner:pets/read"]
    assert named(check(claims | {"sub": "00u1"}, okta).refs) == ["everyone"]
    assert reason(claims | {"cid": "0oa2"}, okta) == "client_id"
    assert reason(claims | {"cid": 7}, okta) == "claim_type"


def test_no_claim_of_another_name_is_the_client() -> None:
    keycloak = replace(PARTNER, client_claim="azp", client_ids=frozenset({"shop"}))
    assert reason(person(client_id="shop"), keycloak) == "client_id"
    assert check(person(client_id="a-stranger", azp="shop"), keycloak).client_id == "shop"


def test_our_machines_have_no_scopes_under_another_name() -> None:
    claims = US.machine_claims(scope=None) | {"scp": ["pets/read"]}
    assert named(check(claims).refs) == ["everyone", f"client/{CLIENT_ID}"]


SIGN_INS: list[tuple[object, int | None]] = [
    ("2026-12-01T08:30:00.000Z", 1_796_113_800),
    ("2026-12-01T08:30:00Z", 1_796_113_800),
    ("2026-13-01T08:30:00Z", None),
    ("1969-12-31T23:59:59Z", None),
    ("2026-12-01T08:30:00", None),
    ("2026-12-01 08:30:00Z", None),
    ("yesterday", None),
]


@pytest.mark.parametrize(("said", "moment"), SIGN_INS)
def test_a_sign_in_may_be_told_as_a_date(said: object, moment: int | None) -> None:
    claims = person() | {"auth_time": said}
    if moment is None:
        assert reason(claims) == "claim_type"
    else:
        assert check(claims).auth_time == moment


def test_nobody_has_signed_in_tomorrow_by_a_date_either() -> None:
    assert reason(person() | {"auth_time": "2999-01-01T00:00:00Z"}) == "issued_in_future"


IDS: list[tuple[Callable[[], dict[str, Any]], dict[str, str], int | None]] = [
    (person, {"sub": SUB, "client_id": CLIENT_ID, "jti": JTI, "origin_jti": ORIGIN_JTI}, NOW - 10),
    (US.machine_claims, {"sub": CLIENT_ID, "client_id": CLIENT_ID, "jti": JTI}, NOW - 10),
    (lambda: person(auth_time=NOW - 900), {"sub": SUB, "client_id": CLIENT_ID, "jti": JTI, "origin_jti": ORIGIN_JTI}, NOW - 900),
    (lambda: person(auth_time=0, jti="", origin_jti=None), {"sub": SUB, "client_id": CLIENT_ID}, 0),
    (lambda: person(without="auth_time", iat=NOW - 5, jti=None, origin_jti=""), {"sub": SUB, "client_id": CLIENT_ID}, NOW - 5),
    (lambda: US.access_claims(auth_time=None, iat=None, jti=None, origin_jti=None), {"sub": SUB, "client_id": CLIENT_ID}, None),
]


@pytest.mark.parametrize(("claims", "ids", "signed_in_at"), IDS)
@pytest.mark.parametrize(("issuer", "prefix"), [(OURS, ""), (PARTNER, "partner:")])
def test_the_denylist_is_asked_about_every_id_under_its_issuers_name(
    issuer: TrustedIssuer, prefix: str, claims: Callable[[], dict[str, Any]], ids: dict[str, str], signed_in_at: int | None
) -> None:
    token_ids = check(claims(), issuer).token_ids
    assert {str(kind): value for kind, value in token_ids.values.items()} == {kind: prefix + value for kind, value in ids.items()}
    assert token_ids.signed_in_at == signed_in_at


MACHINE = {"sub": "m", "client_id": "m"}
CLAIMS_TO_EXPLAIN: list[tuple[TrustedIssuer, dict[str, Any], list[str]]] = [
    (OURS, {}, ["everyone"]),
    (OURS, {"cognito:groups": ["owner", "guest"], "scope": "pets/read"}, ["everyone", "group/guest", "group/owner"]),
    (OURS, {"sub": "m", "client_id": "m", "scope": "pets/read"}, ["everyone", "client/m", "scope/pets/read"]),
    (PARTNER, {"cognito:groups": ["admin"]}, ["everyone", "group/partner:admin"]),
]


@pytest.mark.parametrize(("issuer", "claims", "refs"), CLAIMS_TO_EXPLAIN)
def test_claims_can_be_explained_without_a_token(issuer: TrustedIssuer, claims: dict[str, Any], refs: list[str]) -> None:
    assert named(refs_of(claims, issuer)) == refs
    if issuer is OURS:
        assert named(refs_of(claims)) == refs


@pytest.mark.parametrize(
    ("claims", "why"), [({"cognito:groups": 7}, "groups"), (MACHINE | {"scope": 1}, "scope"), (MACHINE | {"scope": MANY}, "too_many_refs")]
)
def test_claims_that_no_token_carries_cannot_be_explained(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(TokenError) as caught:
        refs_of(claims)
    assert caught.value.reason == why

"""Several issuers at once, configured as an operator would: nobody's directory makes callers of another's, and each is asked for what it puts into tokens."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import pytest

from authorizer.errors import SettingsError, TokenError, TroubleError
from authorizer.policy.denylist import DenylistKind
from authorizer.settings import read_settings
from authorizer.tokens.claims import Principal, TrustedIssuer
from tests.support.clock import Clock
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, POOL, Issuer, told_of, verifier

SUB = "9a1b2c3d-0000-4000-8000-000000000001"
OTHER_POOL = "eu-west-1_OtherPool"
KEYS = "/.well-known/jwks.json"

# All of them name their key `kid-1`. The other form of our pool has our pool's keys, as with Cognito.
OURS = Issuer()
OUR_NEW_FORM = Issuer(issuer=f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{POOL}")
SISTER = Issuer(issuer=f"https://cognito-idp.eu-west-1.amazonaws.com/{OTHER_POOL}", key_name="sister")
PARTNER = Issuer(issuer="https://id.partner.example", key_name="partner")
PORTAL = Issuer(issuer="https://portal.example/realms/staff", key_name="portal")
APPS = Issuer(issuer="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_IdTokens1", key_name="apps")
SIGNERS = {"ours": OURS, "new form": OUR_NEW_FORM, "sister": SISTER, "partner": PARTNER, "portal": PORTAL, "apps": APPS}

LISTED: list[dict[str, Any]] = [
    {"name": "", "issuer": OUR_NEW_FORM.issuer, "client_ids": [CLIENT_ID]},
    {"name": "sister", "issuer": SISTER.issuer, "client_ids": [CLIENT_ID, "sister-client"]},
    {
        "name": "partner",
        "issuer": PARTNER.issuer,
        "jwks_uri": "https://keys.partner.example/certs",
        "audience": ["https://api.example", "https://beta.example"],
        "token_use": "none",
        "groups_claim": "roles",
        "binding_claims": ["tenant"],
    },
    {
        "name": "portal",
        "issuer": PORTAL.issuer,
        "jwks_uri": f"{PORTAL.issuer}/certs",
        "client_ids": [CLIENT_ID],
        "audience": ["https://api.example"],
        "token_use": "none",
        "groups_claim": "https://portal.example/groups",
        "binding_claims": ["sub", "email"],
    },
    {"name": "apps", "issuer": APPS.issuer, "client_ids": [CLIENT_ID], "token_use": "id"},
]
ENVIRONMENT = {"PERMISSIONS_TABLE": "gatebook", "API": "petstore", "USER_POOL_ID": POOL, "APP_CLIENT_IDS": f"{CLIENT_ID}, another-client"}


def trusted(listed: Sequence[Mapping[str, Any]] = LISTED, **environment: str) -> tuple[TrustedIssuer, ...]:
    """The issuers of a configuration."""
    return read_settings({**ENVIRONMENT, "TRUSTED_ISSUERS": json.dumps(listed), **environment}).issuers


class Gate:
    """Verifies tokens of all issuers, each of whose key sets stands where its configuration says."""

    def __init__(self, issuers: tuple[TrustedIssuer, ...]) -> None:
        self.fetched: list[str] = []
        signers = {signer.issuer: signer for signer in SIGNERS.values()}
        self._published = {issuer.jwks_uri: signers[issuer.issuer].jwks() for issuer in issuers}
        self._verifier = verifier(issuers, self._fetch, Clock())

    def _fetch(self, uri: str) -> bytes:
        self.fetched.append(uri)
        return self._published[uri]

    def verify(self, token: str) -> Principal:
        return self._verifier.verify(token)

    def reason(self, token: str) -> str:
        with pytest.raises(TokenError) as caught:
            self.verify(token)
        assert told_of(caught.value, token) == []
        return caught.value.reason


@pytest.fixture
def gate() -> Gate:
    return Gate(trusted())


def partner_claims(**changes: Any) -> dict[str, Any]:
    """What another OpenID provider's access token says: no `client_id`, no `token_use`, an audience, and roles."""
    claims = {
        "iss": PARTNER.issuer,
        "sub": SUB,
        "aud": "https://api.example",
        "azp": "partner-app",
        "exp": NOW + 600,
        "iat": NOW - 5,
        "jti": "partner-jti-1",
        "roles": ["reader"],
        "tenant": "t-7",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def portal_claims(**changes: Any) -> dict[str, Any]:
    more = {
        "aud": ["https://api.example", "account"],
        "token_use": None,
        "https://portal.example/groups": ["staff"],
        "email": "jane.example",
    }
    return PORTAL.access_claims(**(more | changes))


GOOD: dict[str, Callable[[], str]] = {
    "ours": lambda: OURS.access_token("guest"),
    "new form": lambda: OUR_NEW_FORM.access_token("guest"),
    "sister": lambda: SISTER.access_token("guest"),
    "partner": lambda: PARTNER.token(partner_claims(roles=["guest"])),
    "portal": lambda: PORTAL.token(portal_claims(**{"https://portal.example/groups": ["guest"]})),
    "apps": lambda: APPS.token(APPS.id_claims("guest")),
}
PREFIXES = {"ours": "", "new form": "", "sister": "sister:", "partner": "partner:", "portal": "portal:", "apps": "apps:"}


def refs(principal: Principal) -> list[str]:
    return [str(ref) for ref in principal.refs]


def test_every_issuer_has_an_example() -> None:
    assert {issuer.issuer for issuer in trusted()} == {signer.issuer for signer in SIGNERS.values()}
    assert GOOD.keys() == SIGNERS.keys() == PREFIXES.keys()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_of_each_issuer_carries_the_issuers_name(gate: Gate, name: str) -> None:
    prefix = PREFIXES[name]
    principal = gate.verify(GOOD[name]())
    assert (principal.subject, principal.groups) == (f"{prefix}{SUB}", (f"{prefix}guest",))
    assert refs(principal) == ["everyone", f"group/{prefix}guest"]
    assert (principal.issuer, principal.issuer_name) == (SIGNERS[name].issuer, prefix.rstrip(":"))
    assert not principal.is_machine


def test_each_issuers_keys_are_fetched_from_its_own_address_alone(gate: Gate) -> None:
    for token in GOOD.values():
        gate.verify(token())
        gate.verify(token())
    assert gate.fetched == [
        f"{ISSUER}{KEYS}",
        f"{OUR_NEW_FORM.issuer}{KEYS}",
        f"{SISTER.issuer}{KEYS}",
        "https://keys.partner.example/certs",
        f"{PORTAL.issuer}/certs",
        f"{APPS.issuer}{KEYS}",
    ]


# -- nobody signs for another ---------------------------------------------------------------------------------------------------------------------------

PAIRS = [(said, signed) for said, signed in permutations(SIGNERS, 2) if SIGNERS[said].key_name != SIGNERS[signed].key_name]


@pytest.mark.parametrize(("said", "signed"), PAIRS)
def test_a_token_in_the_name_of_one_issuer_by_the_key_of_another_is_refused(gate: Gate, said: str, signed: str) -> None:
    """The kid is the same in both key sets."""
    gate.verify(GOOD[said]())
    gate.verify(GOOD[signed]())
    forger = replace(SIGNERS[said], key_name=SIGNERS[signed].key_name)
    assert gate.reason(forger.access_token("admin")) == "signature"
    assert gate.reason(forger.token(partner_claims(iss=forger.issuer))) == "signature"


def test_the_two_forms_of_our_pool_are_one_directory_with_the_same_keys(gate: Gate) -> None:
    old, new = (gate.verify(issuer.access_token("gatebook-admins", "guest")) for issuer in (OURS, OUR_NEW_FORM))
    assert old._replace(issuer=new.issuer) == new
    assert refs(new) == ["everyone", "group/gatebook-admins", "group/guest"]
    assert {**new.claims}.items() >= {"sub": SUB, "client_id": CLIENT_ID, "username": "jane"}.items()
    assert old.token_ids == new.token_ids


def test_the_forms_are_configured_one_by_one() -> None:
    """A token of the other form is a stranger's until it is listed, and each form has its own list of clients."""
    gate = Gate(trusted(LISTED[1:]))
    assert gate.reason(OUR_NEW_FORM.access_token("guest")) == "issuer"
    both = Gate(trusted())
    assert both.verify(OURS.access_token(client_id="another-client")).client_id == "another-client"
    assert both.reason(OUR_NEW_FORM.access_token(client_id="another-client")) == "client_id"


STRANGERS = [
    f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}x",
    f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}",
    f"https://cognito-idp.eu-west-1.amazonaws.com.cn/{POOL}",
    f"https://cognito-idp-fips.eu-west-1.amazonaws.com/{POOL}",
    f"https://issuer-cognito-idp.us-east-1.amazonaws.com/{POOL}",
    f"https://issuer-cognito-idp.eu-west-1.amazonaws.com/{OTHER_POOL}",
    f"{PARTNER.issuer}/",
    f"{PARTNER.issuer}#",
    "https://ID.partner.example",
    "http://id.partner.example",
    "partner",
    "",
]


@pytest.mark.parametrize("issuer", STRANGERS)
def test_an_issuer_that_is_like_another_is_a_stranger(gate: Gate, issuer: str) -> None:
    for signer in SIGNERS.values():
        assert gate.reason(replace(signer, issuer=issuer).access_token("admin")) == "issuer"
    assert gate.fetched == []


# -- nobody's groups, subjects, clients are another's -----------------------------------------------------------------------------------------------------

OUR_REFS = ("group/gatebook-admins", "group/admin", f"client/{CLIENT_ID}", "scope/pets/read")
AS_US = ["gatebook-admins", "admin", "group/admin", ":admin", "partner:admin", f"{POOL}:admin"]


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("sister", lambda: SISTER.access_token(*AS_US)),
        ("sister", lambda: SISTER.token(SISTER.machine_claims("pets/read"))),
        ("partner", lambda: PARTNER.token(partner_claims(roles=AS_US))),
        ("partner", lambda: PARTNER.token(partner_claims(roles=None, sub=CLIENT_ID, client_id=CLIENT_ID, scope="pets/read"))),
        ("portal", lambda: PORTAL.token(portal_claims(**{"https://portal.example/groups": AS_US}))),
        ("apps", lambda: APPS.token(APPS.id_claims(*AS_US))),
    ],
)
def test_a_named_issuer_makes_nobody_of_ours(gate: Gate, name: str, token: Callable[[], str]) -> None:
    principal = gate.verify(token())
    assert not set(refs(principal)) & set(OUR_REFS)
    assert {ref for ref in refs(principal) if ref.partition("/")[2].startswith(f"{name}:")} == set(refs(principal)) - {"everyone"}
    assert len(principal.refs) > 1
    assert all(group.startswith(f"{name}:") for group in principal.groups)
    assert principal.subject.startswith(f"{name}:")
    assert all(value.startswith(f"{name}:") for value in principal.token_ids.values.values())


MISTAKEN: list[tuple[str, Callable[[], str], str]] = [
    ("a group", lambda: OURS.access_token("guest", "partner:admin"), "groups"),
    ("the only group", lambda: OURS.token(OURS.access_claims() | {"cognito:groups": "sister:x:y"}), "groups"),
    ("an empty name behind the colon", lambda: OURS.access_token("apps:"), "groups"),
    ("a group of the other form", lambda: OUR_NEW_FORM.access_token("portal:admin"), "groups"),
    ("the subject", lambda: OURS.access_token(sub="partner:bob"), "subject"),
    ("a scope", lambda: OURS.token(OURS.machine_claims("pets/read", "partner:read")), "scope"),
]


@pytest.mark.parametrize(("_what", "token", "reason"), MISTAKEN)
def test_our_directory_makes_nobody_of_a_named_issuers(gate: Gate, _what: str, token: Callable[[], str], reason: str) -> None:
    """A group `partner:admin` of our pool would be the partner's `admin`."""
    assert gate.reason(token()) == reason


@pytest.mark.parametrize("name", ["stranger:admin", "Partner:admin", " partner:admin", "partner", ":partner", "x:partner:admin"])
def test_a_colon_alone_is_no_mistake(gate: Gate, name: str) -> None:
    assert f"group/{name}" in refs(gate.verify(OURS.access_token(name)))
    assert gate.verify(OURS.access_token(scope="partner:read")).groups == ()


def test_two_named_issuers_cannot_meet_in_a_ref(gate: Gate) -> None:
    """A name has no colon, so that the first one ends it."""
    seen = [set(refs(gate.verify(token()))) - {"everyone"} for token in GOOD.values()]
    assert seen[0] == seen[1], "the two forms of our pool"
    apart = seen[1:]
    assert sum(map(len, apart)) == len(set().union(*apart))
    for name in ("a:b", ":", "", "partner:", "p artner"):
        with pytest.raises(SettingsError, match="`name` must be"):
            trusted([{**LISTED[2], "name": name}])


TIMES = {"iat": str(NOW - 10), "exp": str(NOW + 3590), "token_use": "access"}
BINDINGS: list[tuple[Callable[[], str], dict[str, str]]] = [
    (
        lambda: OURS.access_token(tenant="t-7", level=3, scope=None, auth_time=None, jti=None, origin_jti=None),
        {"sub": SUB, "client_id": CLIENT_ID, "username": "jane", "tenant": "t-7", "level": "3", **TIMES},
    ),
    (lambda: SISTER.access_token(tenant="t-7", email="e"), {}),
    (lambda: PARTNER.token(partner_claims(username="jane", client_id="x")), {"tenant": "t-7"}),
    (lambda: PARTNER.token(partner_claims(tenant=None)), {}),
    (lambda: PARTNER.token(partner_claims(tenant="../admin")), {}),
    (lambda: PORTAL.token(portal_claims()), {"sub": SUB, "email": "jane.example"}),
    (lambda: APPS.token(APPS.id_claims()), {}),
]


@pytest.mark.parametrize(("token", "claims"), BINDINGS)
def test_a_partners_claims_stand_for_path_parameters_only_if_they_are_listed(
    gate: Gate, token: Callable[[], str], claims: dict[str, str]
) -> None:
    assert gate.verify(token()).claims == claims


def test_the_denylist_tells_equal_ids_of_two_issuers_apart(gate: Gate) -> None:
    ours, theirs = gate.verify(OURS.access_token()).token_ids.values, gate.verify(SISTER.access_token()).token_ids.values
    assert set(ours) == set(theirs) == set(DenylistKind)
    assert {kind: f"sister:{value}" for kind, value in ours.items()} == theirs


# -- machines and persons ---------------------------------------------------------------------------------------------------------------------------------


def test_a_machine_is_its_client_and_its_scopes_under_its_issuers_name(gate: Gate) -> None:
    ours, theirs = (gate.verify(issuer.token(issuer.machine_claims("pets/write", "pets/read"))) for issuer in (OURS, SISTER))
    assert refs(ours) == ["everyone", f"client/{CLIENT_ID}", "scope/pets/read", "scope/pets/write"]
    assert refs(theirs) == ["everyone", f"client/sister:{CLIENT_ID}", "scope/sister:pets/read", "scope/sister:pets/write"]
    assert ours.is_machine
    assert theirs.is_machine


@pytest.mark.parametrize("client", ["another-client", CLIENT_ID])
def test_a_machine_of_another_accepted_client_is_that_client(gate: Gate, client: str) -> None:
    principal = gate.verify(OURS.token(OURS.machine_claims("pets/read", sub=client, client_id=client)))
    assert refs(principal) == ["everyone", f"client/{client}", "scope/pets/read"]


def test_a_machine_of_a_client_of_another_issuer_is_refused(gate: Gate) -> None:
    assert gate.reason(OURS.token(OURS.machine_claims("pets/read", sub="sister-client", client_id="sister-client"))) == "client_id"
    assert gate.verify(SISTER.token(SISTER.machine_claims(sub="sister-client", client_id="sister-client"))).is_machine


PERSONS: list[dict[str, Any]] = [
    {},
    {"username": None},
    {"sub": CLIENT_ID},
    {"sub": CLIENT_ID, "username": ""},
    {"sub": CLIENT_ID, "username": None, "cognito:username": "jane"},
    {"sub": CLIENT_ID, "username": None, "cognito:groups": []},
]


@pytest.mark.parametrize("changes", PERSONS)
@pytest.mark.parametrize("issuer", [OURS, SISTER])
def test_a_persons_token_gives_neither_client_nor_scopes(gate: Gate, issuer: Issuer, changes: dict[str, Any]) -> None:
    principal = gate.verify(issuer.access_token(scope="pets/read pets/write openid", **changes))
    assert refs(principal) == ["everyone"]
    assert not principal.is_machine


def test_a_federated_users_automatic_group_counts_as_any_other_and_changes_none(gate: Gate) -> None:
    """Cognito puts users of an external provider into `<pool>_<provider>`."""
    automatic = f"{POOL}_Okta"
    principal = gate.verify(OURS.access_token("Readers", automatic, username="okta_00u1jane@example.com", version=2))
    assert refs(principal) == ["everyone", "group/Readers", f"group/{automatic}"]
    assert principal.groups == ("Readers", automatic)
    alone = gate.verify(OURS.access_token(automatic, username="okta_00u1jane@example.com"))
    assert refs(alone) == ["everyone", f"group/{automatic}"]
    assert alone.claims["username"] == "okta_00u1jane@example.com"


# -- what each issuer puts into its tokens ----------------------------------------------------------------------------------------------------------------

Change = dict[str, Any]
REFUSED: list[tuple[str, Change, str]] = [
    ("ours", {"token_use": "id"}, "token_use"),
    ("ours", {"token_use": None}, "token_use"),
    ("ours", {"client_id": None, "aud": CLIENT_ID}, "client_id"),
    ("sister", {"client_id": "another-client"}, "client_id"),
    ("sister", {"token_use": "id"}, "token_use"),
    ("partner", {"aud": None}, "audience"),
    ("partner", {"aud": "partner-app"}, "audience"),
    ("partner", {"aud": []}, "audience"),
    ("partner", {"aud": ["https://api.example", 7]}, "claim_type"),
    ("partner", {"roles": 7}, "groups"),
    ("partner", {"roles": {"reader": True}}, "groups"),
    ("partner", {"exp": None}, "expired"),
    ("partner", {"sub": None}, "subject"),
    ("portal", {"aud": "account"}, "audience"),
    ("portal", {"aud": None}, "audience"),
    ("portal", {"client_id": "another-client"}, "client_id"),
    ("portal", {"client_id": None, "azp": CLIENT_ID}, "client_id"),
    ("apps", {"token_use": "access"}, "token_use"),
    ("apps", {"aud": "a-stranger"}, "client_id"),
    ("apps", {"aud": None, "client_id": CLIENT_ID}, "client_id"),
    ("apps", {"aud": [CLIENT_ID, "a-stranger"]}, "client_id"),
    ("apps", {"aud": []}, "client_id"),
]
ACCEPTED: list[tuple[str, Change]] = [
    ("ours", {"aud": "https://api.example"}),
    ("ours", {"client_id": "another-client"}),
    ("sister", {"client_id": "sister-client"}),
    ("partner", {"aud": ["https://other.example", "https://beta.example"]}),
    ("partner", {"token_use": "id"}),
    ("partner", {"token_use": ["anything"]}),
    ("partner", {"client_id": "whoever"}),
    ("portal", {"aud": "https://api.example"}),
    ("apps", {"aud": [CLIENT_ID]}),
]
BASES: dict[str, Callable[..., dict[str, Any]]] = {
    "ours": OURS.access_claims,
    "sister": SISTER.access_claims,
    "partner": partner_claims,
    "portal": portal_claims,
    "apps": APPS.id_claims,
}


@pytest.mark.parametrize(("name", "changes", "why"), REFUSED)
def test_each_issuers_tokens_must_say_what_is_configured_for_it(gate: Gate, name: str, changes: Change, why: str) -> None:
    assert gate.reason(SIGNERS[name].token(BASES[name](**changes))) == why


@pytest.mark.parametrize(("name", "changes"), ACCEPTED)
def test_each_issuers_tokens_may_say_anything_else(gate: Gate, name: str, changes: Change) -> None:
    assert gate.verify(SIGNERS[name].token(BASES[name](**changes))).subject == f"{PREFIXES[name]}{SUB}"


def test_an_id_token_names_its_client_in_the_audience(gate: Gate) -> None:
    assert gate.verify(APPS.token(APPS.id_claims(aud=[CLIENT_ID]))).client_id == CLIENT_ID
    assert gate.verify(APPS.token(APPS.id_claims())).token_ids.values[DenylistKind.CLIENT_ID] == f"apps:{CLIENT_ID}"


@pytest.mark.parametrize("name", ["ours", "sister", "portal"])
def test_an_id_token_is_refused_where_access_tokens_are_taken(gate: Gate, name: str) -> None:
    """The portal has no `token_use`: there it is the client that an ID token lacks."""
    signer = SIGNERS[name]
    assert gate.reason(signer.token(signer.id_claims("admin"))) == ("token_use" if name != "portal" else "client_id")


def test_a_groups_claim_of_ones_own_replaces_cognitos(gate: Gate) -> None:
    partner = gate.verify(PARTNER.token(partner_claims(roles=["reader"], **{"cognito:groups": ["admin"], "groups": ["admin"]})))
    assert partner.groups == ("partner:reader",)
    ours = gate.verify(OURS.access_token("guest", roles=["admin"], groups=["admin"]))
    assert ours.groups == ("guest",)
    without = gate.verify(PARTNER.token(partner_claims(roles=None, **{"cognito:groups": "no list, and nobody asks"})))
    assert (without.groups, refs(without)) == ((), ["everyone"])


def test_one_issuers_dead_keys_are_trouble_for_its_own_tokens_only() -> None:
    def fetch(uri: str) -> bytes:
        if "partner" in uri:
            raise TroubleError("jwks_unavailable", "down")
        return OURS.jwks()

    verify = verifier(trusted(), fetch, Clock()).verify
    token = PARTNER.token(partner_claims())
    with pytest.raises(TroubleError) as caught:
        verify(token)
    assert told_of(caught.value, token) == []
    assert verify(OURS.access_token("guest")).groups == ("guest",)


# -- configurations that would let anybody in -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mistake:
    entry: dict[str, Any]
    says: str


MISTAKES = [
    Mistake({"name": "", "issuer": SISTER.issuer, "client_ids": ["x"]}, "only the pool of `USER_POOL_ID` goes without"),
    Mistake({"name": "", "issuer": PARTNER.issuer, "audience": ["x"]}, "only the pool of `USER_POOL_ID` goes without"),
    Mistake({"issuer": f"https://issuer-cognito-idp.us-east-1.amazonaws.com/{POOL}", "client_ids": ["x"]}, "goes without"),
    Mistake({"issuer": f"{OUR_NEW_FORM.issuer}/", "client_ids": ["x"]}, "goes without"),
    Mistake({"name": "x", "issuer": PARTNER.issuer}, "must name whose tokens are accepted"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "client_ids": [], "audience": []}, "must name whose tokens are accepted"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "client_ids": "abc"}, "`client_ids` must be a list of names"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": "abc"}, "`audience` must be a list of names"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": [""]}, "`audience` must be a list of names"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "token_use": "any"}, "`token_use` may be"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "token_use": ""}, "`token_use` may be"),
    Mistake(
        {"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "jwks_uri": "http://id.partner.example/keys"}, "must be an https address"
    ),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"]}, "`jwks_uri` is missing"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "algorithms": ["HS256"]}, "`algorithms` may name RS256, RS384"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "algorithms": []}, "`algorithms` may name RS256, RS384"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "algorithms": "ES256"}, "`algorithms` must be a list of names"),
    Mistake({"name": "x", "issuer": PARTNER.issuer, "audience": ["a"], "key": "k"}, "is not one of its fields"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: json.dumps(mistake.entry)[:80])
def test_a_configuration_that_says_too_little_or_too_much_is_refused(mistake: Mistake) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_ISSUERS") as caught:
        trusted([mistake.entry])
    assert mistake.says in str(caught.value)


@pytest.mark.parametrize(
    "again", [{**LISTED[1], "name": "other"}, {**LISTED[1], "issuer": "https://x.example"}, {**LISTED[1], "issuer": ISSUER}]
)
def test_an_issuer_and_a_name_are_configured_once(again: dict[str, Any]) -> None:
    again = {"jwks_uri": "https://x.example/keys", **again}
    with pytest.raises(SettingsError, match="twice"):
        trusted([LISTED[1], again])

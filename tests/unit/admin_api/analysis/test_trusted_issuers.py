"""Whose token it is: by its claim `iss`, else by the issuer's name before what it gives; and which tokens nobody accepts."""

from typing import Any

import pytest

from admin_api.analysis.trusted_issuers import NOT_KNOWN, RefusedTokenError, TrustedIssuers, bearer_of
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.tokens.claims import OUR_ISSUER, TrustedIssuer


def issuer(name: str, address: str, groups: str = "roles") -> TrustedIssuer:
    return TrustedIssuer(name, address, f"{address}/keys", frozenset(), frozenset({"api"}), "none", groups)


POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
OWN, OWN_2 = issuer("", POOL, "cognito:groups"), issuer("", POOL.replace("cognito", "issuer-cognito", 1), "cognito:groups")
PARTNER, OTHER = issuer("partner", "https://id.partner.example"), issuer("other", "https://other.example")
ALL = TrustedIssuers((OWN, OWN_2, PARTNER, OTHER), are_known=True)
NAMED = TrustedIssuers((PARTNER, OTHER), are_known=True)
ONE = TrustedIssuers((PARTNER,), are_known=True)
FILE = TrustedIssuers((PARTNER, OUR_ISSUER), are_known=True)


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


def refused(claims: dict[str, Any], refs: list[PrincipalRef], trusted: TrustedIssuers) -> tuple[str, str]:
    with pytest.raises(RefusedTokenError) as caught:
        bearer_of(claims, refs, trusted)
    return str(caught.value), caught.value.claim


@pytest.mark.parametrize(
    ("trusted", "claims", "refs", "expected"),
    [
        (ALL, {}, [], OWN),
        (ALL, {}, [group("staff")], OWN),
        (ALL, {}, [EVERYONE, group("partner:staff")], PARTNER),
        (ALL, {}, [PrincipalRef(RefKind.CLIENT, "other:job")], OTHER),
        (ALL, {}, [PrincipalRef(RefKind.SCOPE, "pets:read")], OWN),
        (ALL, {"iss": POOL}, [group("staff")], OWN),
        (ALL, {"iss": OWN_2.issuer}, [group("staff")], OWN_2),
        (ALL, {"iss": "https://other.example"}, [group("other:x")], OTHER),
        (ALL, {"iss": None}, [], OWN),
        (NAMED, {}, [group("other:x")], OTHER),
        (ONE, {}, [], PARTNER),
        (FILE, {}, [], OUR_ISSUER),
        (FILE, {"iss": POOL}, [], OUR_ISSUER),
        (FILE, {"iss": "http://localhost:4566/eu-west-1_AbCdEfGhI"}, [], OUR_ISSUER),
        (FILE, {"iss": "http://127.0.0.1:9229/local_1"}, [], OUR_ISSUER),
        (FILE, {"iss": "https://id.partner.example"}, [], PARTNER),
        (NOT_KNOWN, {"iss": "https://id.partner.example"}, [group("partner:staff")], OUR_ISSUER),
    ],
)
def test_whose_token_it_is(trusted: TrustedIssuers, claims: dict[str, Any], refs: list[PrincipalRef], expected: TrustedIssuer) -> None:
    bearer = bearer_of(claims, refs, trusted)
    assert bearer.issuer is expected
    assert bearer.issuer_is_known is trusted.are_known


@pytest.mark.parametrize(
    ("trusted", "claims", "refs", "message", "claim"),
    [
        (
            ALL,
            {"iss": "https://evil.example"},
            [],
            "tokens of 'https://evil.example' are refused with 401: the issuers are `partner` and `other` and one's own pool",
            "iss",
        ),
        (
            FILE,
            {"iss": "https://evil.example"},
            [],
            "tokens of 'https://evil.example' are refused with 401: the issuers are `partner` and one's own pool",
            "iss",
        ),
        (FILE, {"iss": 5}, [], "tokens of 5 are refused with 401: the issuers are `partner` and one's own pool", "iss"),
        (NAMED, {}, [], "whose token it is decides: give the claim `iss`, the issuers are `partner` and `other`", "iss"),
        (
            NAMED,
            {},
            [group("staff")],
            "no token has group/staff: the issuers are `partner` and `other`, and what their tokens say begins with their name and `:`",
            "",
        ),
        (
            ONE,
            {"iss": "https://id.partner.example"},
            [group("staff")],
            "no token of issuer `partner` has group/staff: the issuers are `partner`, and what their tokens say begins with their name and `:`",
            "",
        ),
        (
            ALL,
            {"iss": "https://id.partner.example"},
            [group("staff")],
            "no token of issuer `partner` has group/staff: it is one's own pool that gives it",
            "",
        ),
        (
            ALL,
            {},
            [group("staff"), group("partner:staff")],
            "no token of one's own pool has group/partner:staff: it is issuer `partner` that gives it",
            "",
        ),
        (
            ALL,
            {"cognito:groups": 5},
            [],
            "no token has such claims: the token's groups are neither a name nor a list of names",
            "",
        ),
    ],
)
def test_a_token_that_nobody_accepts_is_told(
    trusted: TrustedIssuers, claims: dict[str, Any], refs: list[PrincipalRef], message: str, claim: str
) -> None:
    assert refused(claims, refs, trusted) == (message, claim)


THROUGH = (PrincipalRef(RefKind.CLIENT, "c1"), PrincipalRef(RefKind.SCOPE, "s"))
WITH_GROUPS_AND_THROUGH: list[tuple[dict[str, Any], list[PrincipalRef], bool]] = [
    ({}, [group("guest"), *THROUGH], True),
    ({"username": "jane"}, [*THROUGH], True),
    ({"cognito:groups": ["guest"]}, [*THROUGH], True),
    ({}, [*THROUGH], False),
    ({"sub": "c1", "client_id": "c1"}, [*THROUGH], False),
]


@pytest.mark.parametrize(("claims", "refs", "is_person"), WITH_GROUPS_AND_THROUGH)
def test_client_and_scopes_are_a_machines_own_and_only_a_persons_way(
    claims: dict[str, Any], refs: list[PrincipalRef], is_person: bool
) -> None:
    """A person who came through a client does not hold what the client does."""
    bearer = bearer_of(claims, refs, ALL)
    assert set(THROUGH) <= set(bearer.consent if is_person else bearer.refs)
    assert set(THROUGH) & set(bearer.refs if is_person else bearer.consent) == set()


def test_groups_are_read_as_the_issuer_writes_them() -> None:
    """Its own claim, with its name before each."""
    claims = {"iss": "https://id.partner.example", "roles": ["staff"], "cognito:groups": ["admin"]}
    assert bearer_of(claims, [group("partner:more")], ALL).refs == (EVERYONE, group("partner:staff"), group("partner:more"))


@pytest.mark.parametrize(
    ("trusted", "claims", "notes"),
    [
        (FILE, {"iss": POOL}, (f"'{POOL}' is taken for one's own pool, whose address is not known here",)),
        (FILE, {}, ()),
        (ALL, {"iss": POOL}, ()),
        (NOT_KNOWN, {"iss": POOL}, ()),
    ],
)
def test_a_pool_of_an_unknown_address_is_a_guess(trusted: TrustedIssuers, claims: dict[str, Any], notes: tuple[str, ...]) -> None:
    assert bearer_of(claims, [], trusted).notes == notes

"""Tokens in the shapes that other issuers give them: each case of `tests/vectors/tokens/issuers`, through the settings that `docs/issuers.md` shows for it."""

from typing import Any

import pytest

from authorizer.errors import TokenError
from authorizer.settings import read_settings
from authorizer.tokens.claims import Principal
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.verifier import TokenVerifier
from tests.support.clock import Clock
from tests.support.issuer import token_reasons, told_of
from tests.support.issuer_shapes import Issuers, all_shapes, issuer_files, read_issuers_of


def verifier_of(issuers: Issuers) -> TokenVerifier:
    """A cold verifier that is configured as the file says, and finds the issuer's keys where that says."""
    trusted = read_settings(issuers.environment()).issuers
    addresses = {issuer.jwks_uri for issuer in trusted}

    def fetch(uri: str) -> bytes:
        assert uri in addresses
        return issuers.jwks()

    sets = {issuer.issuer: KeySet(issuer.jwks_uri, fetch=fetch, now=Clock(), algorithms=issuer.algorithms) for issuer in trusted}
    return TokenVerifier(trusted, sets, Clock())


FOUND: dict[str, Any] = {
    "subject": lambda bearer: bearer.subject,
    "refs": lambda bearer: [str(ref) for ref in bearer.refs],
    "groups": lambda bearer: list(bearer.groups),
    "client": lambda bearer: bearer.client_id,
    "machine": lambda bearer: bearer.is_machine,
    "auth_time": lambda bearer: bearer.auth_time,
}


def found_out(bearer: Principal, expected: dict[str, Any]) -> dict[str, Any]:
    """What is said of the bearer, of that which a case expects something of. A claim that `where` cannot name is None."""
    found = {name: read(bearer) for name, read in FOUND.items() if name in expected}
    claims = {name: bearer.claims.get(name) for name in expected.get("claims", {})}
    return {**found, **({"claims": claims} if claims else {})}


@pytest.mark.parametrize(("name", "shape"), all_shapes())
def test_a_token_of_each_shape_is_what_the_case_says(name: str, shape: str) -> None:
    issuers = read_issuers_of(name)
    case = issuers.shapes[shape]
    verify = verifier_of(issuers).verify
    if case.is_accepted:
        assert found_out(verify(case.token), case.expected) == case.expected
        return
    with pytest.raises(TokenError) as caught:
        verify(case.token)
    assert caught.value.reason == case.expected
    assert told_of(caught.value, case.token) == []


@pytest.mark.parametrize("name", issuer_files())
def test_each_issuer_has_a_person_and_refusals(name: str) -> None:
    """`person` is what each issuer's other tokens are told by, and expected in full."""
    issuers = read_issuers_of(name)
    person = issuers.shapes["person"]
    assert set(FOUND) - {"auth_time"} <= set(person.expected)
    refused = {case.expected for case in issuers.shapes.values() if not case.is_accepted}
    assert refused <= token_reasons()
    assert "expired" in refused


def test_what_a_case_expects_is_looked_at() -> None:
    """A word that no test reads would expect nothing."""
    for name, shape in all_shapes():
        case = read_issuers_of(name).shapes[shape]
        assert not case.is_accepted or case.expected.keys() <= {*FOUND, "claims"}, (name, shape)

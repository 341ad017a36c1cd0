"""What never applies in a document, given the issuers: `where` on claims that an issuer may not bind, and groups that no issuer gives."""

from typing import Any

import pytest

from admin_api.analysis.bindings import judge_bindings
from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from authorizer.policy.document import parse_document
from authorizer.tokens.claims import OUR_ISSUER, TrustedIssuer


def issuer(name: str, *binding: str, address: str = "") -> TrustedIssuer:
    address = address or f"https://{name}.example"
    return TrustedIssuer(name, address, f"{address}/keys", frozenset(), frozenset({"api"}), "none", "roles", binding)


BOUND = {"allow": [{"route": "GET /t/{tenant}", "where": {"tenant": "tenant_id"}}]}
PARTNER, LAX = issuer("partner", "account"), issuer("lax", "tenant_id", "account")
BOTH = TrustedIssuers((OUR_ISSUER, PARTNER, LAX), are_known=True)
STRANGERS = TrustedIssuers((PARTNER, LAX), are_known=True)
UNLISTED = "`tenant_id` of issuer `partner` may not be bound: list it in its `binding_claims`"


def told(trusted: TrustedIssuers, **subjects: Any) -> tuple[list[str], list[str]]:
    routes = ["GET /t/{tenant}", "GET /a"]
    report = judge_bindings(parse_document({"api": "x", "routes": routes, **subjects}), trusted)
    return [f"{finding.kind}: {finding.message}" for finding in report.findings], list(report.notes)


def permission(subject: str, claim: str = "tenant_id") -> str:
    return f"{subject} allow GET /t/{{tenant}} where {{tenant}} = {claim}"


def test_a_claim_that_the_groups_issuer_does_not_list_never_applies() -> None:
    assert told(BOTH, groups={"partner:staff": BOUND}) == ([f"unbound: {permission('group/partner:staff')}: never applies: {UNLISTED}"], [])


@pytest.mark.parametrize(("section", "kind"), [("clients", "client"), ("scopes", "scope")])
def test_so_it_is_for_clients_and_scopes_of_the_issuer(section: str, kind: str) -> None:
    [finding], _ = told(BOTH, **{section: {"partner:x": BOUND}})
    assert finding.startswith(f"unbound: {permission(f'{kind}/partner:x')}")


@pytest.mark.parametrize("group", ["staff", "lax:staff"])
def test_a_claim_that_may_be_bound_is_no_matter(group: str) -> None:
    assert told(BOTH, groups={group: BOUND}) == ([], [])


def test_a_permission_without_where_is_none_either() -> None:
    assert told(BOTH, groups={"partner:staff": {"allow": ["GET /a"]}}, everyone={"allow": ["GET /a"]}) == ([], [])


def test_for_everyone_the_issuers_are_named_whose_tokens_it_never_applies_to() -> None:
    assert told(BOTH, everyone=BOUND) == ([], [f"{permission('everyone')}: never applies to tokens of issuer `partner`: {UNLISTED}"])


def test_for_everyone_it_never_applies_if_no_issuer_may_bind_it() -> None:
    only = TrustedIssuers((PARTNER, issuer("other")), are_known=True)
    [finding], notes = told(only, everyone=BOUND)
    other = UNLISTED.replace("partner", "other")
    assert (finding, notes) == (f"unbound: {permission('everyone')}: never applies: {UNLISTED} and {other}", [])


def test_each_claim_that_is_not_listed_is_named() -> None:
    where = {"tenant": "tenant_id"}
    routes = ["GET /t/{tenant}/{user}"]
    entry = {"route": routes[0], "where": {**where, "user": "sub"}}
    report = judge_bindings(parse_document({"api": "x", "routes": routes, "groups": {"partner:a": {"allow": [entry]}}}), BOTH)
    [finding] = report.findings
    assert finding.message.endswith(
        f"never applies: `sub` of issuer `partner` may not be bound: list it in its `binding_claims` and {UNLISTED}"
    )


def test_an_heir_of_another_issuer_is_named() -> None:
    """The members of `base` may use it, and those of `partner:staff`, who inherit it, never."""
    groups = {"base": BOUND, "partner:staff": {"inherits": ["middle"]}, "middle": {"inherits": ["base"]}}
    assert told(BOTH, groups=groups) == ([], [f"{permission('group/base')}: never applies to group/partner:staff: {UNLISTED}"])


def test_what_an_heir_may_use_applies() -> None:
    groups = {"partner:base": BOUND, "staff": {"inherits": ["partner:base"]}}
    assert told(BOTH, groups=groups) == ([], [f"{permission('group/partner:base')}: never applies to group/partner:base: {UNLISTED}"])


def test_a_client_of_the_name_of_a_group_has_no_heirs() -> None:
    subjects = {"groups": {"partner:x": {"allow": ["GET /a"]}, "staff": {"inherits": ["partner:x"]}}, "clients": {"partner:x": BOUND}}
    [finding], notes = told(BOTH, **subjects)
    assert (finding.startswith("unbound: client/partner:x"), notes) == (True, [])


MINTED_BY_NONE = "no issuer mints this: "


@pytest.mark.parametrize(
    ("trusted", "subjects", "finding"),
    [
        (
            BOTH,
            {"groups": {"parter:staff": {"allow": ["GET /a"]}}},
            f"group/parter:staff: {MINTED_BY_NONE}`parter` is the name of none, the issuers are `partner` and `lax` and one's own pool",
        ),
        (
            STRANGERS,
            {"groups": {"staff": {"allow": ["GET /a"]}}},
            f"group/staff: {MINTED_BY_NONE}what `partner` and `lax` says begins with its name and `:`",
        ),
        (
            STRANGERS,
            {"scopes": {"pets:read": BOUND}},
            f"scope/pets:read: {MINTED_BY_NONE}what `partner` and `lax` says begins with its name and `:`",
        ),
    ],
)
def test_what_no_issuer_gives_is_told(trusted: TrustedIssuers, subjects: dict[str, Any], finding: str) -> None:
    assert told(trusted, **subjects) == ([f"no_issuer: {finding}"], [])


@pytest.mark.parametrize(
    "subjects",
    [
        {"groups": {"partner:staff": {"allow": ["GET /a"]}, "staff": {"allow": ["GET /a"]}}},
        {"groups": {":staff": {"allow": ["GET /a"]}, "no name:staff": {"allow": ["GET /a"]}, "x" * 33 + ":a": {"allow": ["GET /a"]}}},
        {"scopes": {"pets:read": {"allow": ["GET /a"]}}, "clients": {"a:b": {"allow": ["GET /a"]}}, "everyone": {"allow": ["GET /a"]}},
    ],
)
def test_what_cannot_be_taken_for_a_named_issuers_is_ones_own(subjects: dict[str, Any]) -> None:
    """Scopes are often written with `:`, and issuers' names are letters, digits, `_` and `-`."""
    assert told(BOTH, **subjects) == ([], [])


def test_without_issuers_nothing_is_a_mistake_and_what_is_not_known_is_noted() -> None:
    groups = {"partner:staff": BOUND, "staff": BOUND, "other:x": {"allow": ["GET /a"]}}
    findings, [note] = told(NOT_KNOWN, groups=groups, everyone=BOUND)
    assert findings == []
    assert note == (
        f"{permission('group/partner:staff')}: whether it applies to group/partner:staff is not known, if `partner` is an issuer: "
        "it does only if `binding_claims` of the issuer list what `where` names"
    )


@pytest.mark.parametrize("trusted", [NOT_KNOWN, BOTH, STRANGERS])
def test_claims_whose_value_is_never_compared_are_noted(trusted: TrustedIssuers) -> None:
    entries = [{"route": "GET /t/{tenant}", "where": {"tenant": claim}} for claim in ("cognito:groups", "iss", "scope")]
    _, notes = told(trusted, everyone={"allow": entries})
    certain = [note for note in notes if " is a list" in note or " is an address" in note]
    assert certain == [
        f"{permission('everyone', 'cognito:groups')}: never applies: `cognito:groups` is a list, and only a text or a whole number is compared",
        f"{permission('everyone', 'iss')}: never applies: `iss` is an address, whose `/` is never compared",
    ]


def test_an_address_that_may_be_compared_is_not_noted() -> None:
    """Some issuers write no scheme."""
    plain = TrustedIssuers((OUR_ISSUER, issuer("a", "iss", address="accounts.a.example")), are_known=True)
    entry = {"allow": [{"route": "GET /t/{tenant}", "where": {"tenant": "iss"}}]}
    assert told(plain, groups={"a:x": entry}) == ([], [])

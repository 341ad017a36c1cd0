"""What the commands make of the issuers: `explain` answers as the authorizer does, `check` and publishing name what never applies."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run, parsed
from tests.support.tables import Table, publish

DOCUMENT = """\
api: petstore
routes: ["GET /t/{tenant}", GET /pets]
everyone: {allow: [GET /pets, {route: "GET /t/{tenant}", where: {tenant: account}}]}
groups:
  partner:staff:
    allow:
      - {route: "GET /t/{tenant}", where: {tenant: tenant_id}}
"""
ISSUERS = [
    {
        "name": "partner",
        "issuer": "https://id.partner.example",
        "jwks_uri": "https://id.partner.example/keys",
        "audience": ["api"],
        "token_use": "none",
        "groups_claim": "roles",
        "binding_claims": ["account"],
    },
    {"name": "lax", "issuer": "https://lax.example", "jwks_uri": "https://lax.example/keys", "audience": ["api"]},
]
PERMISSION = "group/partner:staff allow GET /t/{tenant} where {tenant} = tenant_id"
UNLISTED = "`tenant_id` of issuer `partner` may not be bound: list it in its `binding_claims`"
TOKEN = {"iss": "https://id.partner.example", "sub": "u1", "roles": ["staff"], "tenant_id": "t1", "account": 7}
FOR_EVERYONE = (
    "everyone allow GET /t/{tenant} where {tenant} = account: never applies to tokens of issuer `lax`: "
    "`account` of issuer `lax` may not be bound: list it in its `binding_claims`"
)


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    (folder / "petstore.yaml").write_text(DOCUMENT)
    (folder / "issuers.json").write_text(json.dumps(ISSUERS))
    (folder / "token.json").write_text(json.dumps(TOKEN))
    return folder


@pytest.fixture
def published(target: Table) -> Table:
    publish(DOCUMENT)
    return target


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_check_names_what_never_applies(run: Run) -> None:
    result = run("check", "petstore.yaml", "--issuers", "issuers.json")
    assert result.exit_code == 1
    assert f"unbound {PERMISSION}: never applies: {UNLISTED}" in lines(result.stdout)
    assert f"note {FOR_EVERYONE}" in lines(result.stdout)
    [report] = json.loads(run("check", "petstore.yaml", "--issuers", "issuers.json", "--json").stdout)
    assert report["findings"] == [{"kind": "unbound", "message": f"{PERMISSION}: never applies: {UNLISTED}"}]
    assert report["notes"] == [FOR_EVERYONE]


def test_check_without_issuers_says_what_is_not_known(run: Run) -> None:
    [report] = parsed(run("check", "petstore.yaml", "--json"))
    assert (report["findings"], len(report["notes"])) == ([], 1)
    assert report["notes"][0].startswith(f"{PERMISSION}: whether it applies to group/partner:staff is not known")


def test_check_names_a_group_that_no_issuer_gives(run: Run, files: Path) -> None:
    (files / "petstore.yaml").write_text(DOCUMENT.replace("partner:staff", "parter:staff"))
    result = run("check", "petstore.yaml", "--issuers", "issuers.json")
    assert result.exit_code == 1
    assert any(line.startswith("no_issuer group/parter:staff: no issuer mints this") for line in lines(result.stdout))


def test_explain_denies_what_the_authorizer_denies(published: Table, run: Run) -> None:
    asked = ("explain", "petstore", "GET", "/t/t1", "--group", "partner:staff", "--claim", "tenant_id=t1")
    known = parsed(run(*asked, "--issuers", "issuers.json", "--json"))
    assert (known["allowed"], known["notes"]) == (False, [])
    assert {"kind": "not_listed", "message": f"{PERMISSION}: {UNLISTED}"} in known["near_misses"]
    guessed = run(*asked)
    assert "is allowed by" in guessed.stdout
    assert "note if `partner` is the name of an issuer, the authorizer allows this only if" in guessed.stdout
    assert "`binding_claims` list `tenant_id`: which issuers are trusted is not known here" in guessed.stdout


def test_explain_reads_a_whole_tokens_claims(published: Table, run: Run) -> None:
    asked = ("explain", "petstore", "GET", "/t/7", "--claims", "token.json", "--issuers", "issuers.json", "--json")
    assert parsed(run(*asked))["determining"] == ["everyone allow GET /t/{tenant} where {tenant} = account"]
    assert parsed(run(*asked, "--claim", "account=8"))["allowed"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--claim", "iss=https://evil.example"), "are refused with 401: the issuers are `partner` and `lax` and one's own pool"),
        (("--group", "partner:staff", "--group", "owner"), "no token of issuer `partner` has group/owner"),
        (("--claims", "issuers.json"), "must be a JSON object, the claims of one token"),
        (("--claims", "petstore.yaml"), "is no JSON"),
    ],
)
def test_explain_refuses_what_no_token_says(published: Table, run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("explain", "petstore", "GET", "/pets", *arguments, "--issuers", "issuers.json")
    assert result.exit_code == 2
    words = " ".join(result.stderr.replace("│", " ").split())
    assert message in words


def test_publishing_says_what_never_applies_and_publishes_it(target: Table, run: Run) -> None:
    """It lets nobody pass."""
    planned = run("plan", "petstore.yaml", "--issuers", "issuers.json")
    assert f"unbound {PERMISSION}: never applies: {UNLISTED}" in lines(planned.stdout)
    assert f"note {FOR_EVERYONE}" in lines(planned.stdout)
    [done] = parsed(run("apply", "petstore.yaml", "--issuers", "issuers.json", "--yes", "--json"))
    assert (done["version"], done["findings"], done["notes"]) == (
        1,
        [{"kind": "unbound", "message": f"{PERMISSION}: never applies: {UNLISTED}"}],
        [FOR_EVERYONE],
    )
    assert done["findings_in_all"] == 1


def test_issuers_that_cannot_be_read_end_the_command(run: Run, files: Path) -> None:
    (files / "issuers.json").write_text("[{}]")
    result = run("check", "petstore.yaml", "--issuers", "issuers.json")
    assert result.exit_code == 2
    assert "the issuers cannot be read: issuers.json entry 0: `issuer` is missing" in " ".join(result.stderr.split())
    assert run("check", "petstore.yaml", "--issuers", "nowhere.json").exit_code == 2
    both = run("check", "petstore.yaml", "--issuers", "issuers.json", "--authorizer", "guard")
    assert both.exit_code == 2
    assert "give one of them" in " ".join(both.stderr.split())


@pytest.mark.parametrize("command", [("check",), ("plan",)])
def test_a_function_is_asked_for_its_settings(target: Table, run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    asked = []

    class Lambda:
        def get_function_configuration(self, FunctionName: str) -> object:  # noqa: N803  # AWS's word
            asked.append(FunctionName)
            return {"Environment": {"Variables": {"TRUSTED_ISSUERS": json.dumps(ISSUERS)}}}

    monkeypatch.setattr("admin_api.cli.target.client", lambda name, target: {"lambda": Lambda()}[name])
    result = run(*command, "petstore.yaml", "--authorizer", "guard")
    assert f"unbound {PERMISSION}: never applies: {UNLISTED}" in lines(result.stdout)
    assert {*asked} == {"guard"}


def test_check_says_which_identity_sources_a_functions_gateway_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"TRUSTED_ISSUERS": json.dumps(ISSUERS), "TOKEN_FROM": "cookie:session"}

    class Lambda:
        def get_function_configuration(self, FunctionName: str) -> object:  # noqa: N803  # AWS's word
            return {"Environment": {"Variables": environment}}

    monkeypatch.setattr("admin_api.cli.target.client", lambda name, target: {"lambda": Lambda()}[name])
    [report] = json.loads(run("check", "petstore.yaml", "--authorizer", "guard", "--json").stdout)
    assert any("`method.request.header.Cookie` (REST API)" in note for note in report["notes"])
    environment["TOKEN_FROM"] = "header:Authorization"
    [report] = json.loads(run("check", "petstore.yaml", "--authorizer", "guard", "--json").stdout)
    assert not any("identity source" in note for note in report["notes"])

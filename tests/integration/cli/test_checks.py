"""check, and what plan and apply make of `token` scope: what they print and how they end. Nothing here needs a table but plan and apply."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from tests.integration.cli.conftest import Run, parsed
from tests.support.tables import Table

GOOD = """\
api: petstore
routes: [GET /pets, POST /pets, "GET /pets/{petId}", {route: GET /health, public: true}]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: ["GET /pets/{petId}"]}
  owner: {allow: [POST /pets]}
"""
# Whoever may call the ends of this and not the middle cannot be told in one policy.
SANDWICH = """\
api: shop
routes: ["GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}", GET /news]
everyone: {allow: [GET /news]}
groups:
  ends: {allow: ["GET /a/{x}", "GET /a/{x}/{y}/{z}"]}
  middle: {allow: ["GET /a/{x}/{y}"]}
  first: {allow: ["GET /a/{x}"]}
"""
ENFORCED = f"enforced: [token]\n{SANDWICH}"
REFUSED = ["group/ends", "group/first", "group/middle", "group/ends + group/first", "group/first + group/middle"]
PROOF = (
    "allowing `GET /a/{x}` and `GET /a/{x}/{y}/{z}` and not `GET /a/{x}/{y}` cannot be said in one cached policy: `*` crosses `/`, "
    "so that what allows `/a/bbbbb` also allows `/a/b/bbb`, and what denies that also denies `/a/b/b/b`"
)
HALF_A_PROOF = "allowing `GET /a/{x}` and not `GET /a/{x}/{y}` cannot be said by Allows alone in one cached policy"


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    for name, text in {"good.yaml": GOOD, "sandwich.yaml": SANDWICH, "enforced.yaml": ENFORCED}.items():
        (folder / name).write_text(text)
    return folder


def lines(text: str) -> list[str]:
    """Printed lines without what only aligns them."""
    return [" ".join(line.split()) for line in text.splitlines()]


def report(result: typer.testing.Result, exit_code: int) -> dict[str, Any]:
    """The report on the only document."""
    assert result.exit_code == exit_code, result.stderr
    [one] = json.loads(result.stdout)
    assert isinstance(one, dict)
    return one


def verdicts(of: dict[str, Any]) -> dict[str, str]:
    """For each kind of caller, how it can be told."""
    return {
        " + ".join(each["callers_in"]): "yes" if each["expressible"] else "guards" if each["with_guards"] else "no"
        for each in of["token_scope"]
    }


def test_a_document_in_order_ends_with_0(run: Run) -> None:
    result = run("check", "good.yaml")
    assert result.exit_code == 0, result.stderr
    printed = lines(result.stdout)
    assert printed[:3] == [
        "petstore: 4 routes, 3 subjects",
        "nothing to see to in the permissions",
        "callers in token scope bytes why not",
    ]
    assert [line.rpartition(" ")[0] for line in printed[3:]] == [
        "no group yes",
        "group/guest yes",
        "group/owner yes",
        "group/guest + group/owner yes",
    ]


def test_a_document_in_order_as_json(run: Run) -> None:
    found = report(run("check", "good.yaml", "--json"), 0)
    kinds = found.pop("token_scope")
    assert found.pop("notes") == []
    assert found == {"api": "petstore", "violations": [], "findings": [], "enforced": [], "risky_triples": [], "more_risky_triples": False}
    assert kinds[0] == {
        "callers_in": [],
        "expressible": True,
        "with_guards": True,
        "bytes": kinds[0]["bytes"],
        "reason": None,
        "message": None,
        "counterexample": None,
    }
    assert [kind["callers_in"] for kind in kinds] == [[], ["group/guest"], ["group/owner"], ["group/guest", "group/owner"]]


def test_what_token_scope_cannot_say_is_no_finding_as_long_as_nobody_relies_on_it(run: Run) -> None:
    result = run("check", "sandwich.yaml")
    assert result.exit_code == 0, result.stderr
    printed = lines(result.stdout)
    assert [line for line in printed if line.startswith("group/ends no ") and PROOF in line and "; use `route` scope" in line]
    assert [line for line in printed if line.startswith("group/first with guards ") and HALF_A_PROOF in line]
    assert [line for line in printed if line.startswith("group/ends + group/middle yes ")]
    assert printed[-2:] == [
        "Routes that a token-only key cannot keep apart, whatever the permissions are:",
        "GET: /a/{x} and /a/{x}/{y}/{z} without /a/{x}/{y}",
    ]


def test_what_token_scope_cannot_say_as_json(run: Run) -> None:
    found = report(run("check", "sandwich.yaml", "--json"), 0)
    assert verdicts(found) == {
        "": "yes",
        "group/ends": "no",
        "group/first": "guards",
        "group/middle": "guards",
        "group/ends + group/first": "no",
        "group/ends + group/middle": "yes",
        "group/first + group/middle": "guards",
        "group/ends + group/first + group/middle": "yes",
    }
    [ends] = [kind for kind in found["token_scope"] if kind["callers_in"] == ["group/ends"]]
    assert (ends["reason"], ends["bytes"]) == ("inexact", None)
    assert ends["counterexample"] == {
        "verb": "GET",
        "allowed": "a/bbbbb",
        "denied": "a/b/bbb",
        "also_allowed": "a/b/b/b",
        "routes": ["GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"],
        "fresh": "b",
    }
    assert found["enforced"] == []
    assert found["risky_triples"] == ["GET: /a/{x} and /a/{x}/{y}/{z} without /a/{x}/{y}"]


def test_what_token_scope_cannot_say_is_a_finding_where_it_is_enforced(run: Run) -> None:
    assert run("check", "enforced.yaml").exit_code == 1
    found = report(run("check", "enforced.yaml", "--json"), 1)
    assert [each.partition(":")[0] for each in found["enforced"]] == REFUSED
    assert PROOF in found["enforced"][0]
    assert "bytes, but only with TOKEN_SCOPE_GUARDS=1; " in found["enforced"][1]


def test_what_an_enforced_scope_cannot_say_is_printed(run: Run) -> None:
    printed = lines(run("check", "enforced.yaml").stdout)
    told = [
        line.removeprefix("enforced `token` scope cannot say what is permitted to ") for line in printed if line.startswith("enforced ")
    ]
    assert [line.partition(":")[0] for line in told] == REFUSED
    assert PROOF in told[0]
    assert "nothing to see to in the permissions" not in printed


def test_no_subject_of_an_enforced_scope_is_overlooked_among_many(run: Run, files: Path) -> None:
    clients = ", ".join(f"c{number}: {{}}" for number in range(220))
    (files / "many.yaml").write_text(f"{ENFORCED}clients: {{{clients}}}\n")
    found = report(run("check", "many.yaml", "--json"), 1)
    assert len(found["token_scope"]) == 200
    assert [each.partition(":")[0] for each in found["enforced"]] == ["group/ends", "group/first", "group/middle"]


def test_what_token_scope_can_say_may_be_enforced(run: Run, files: Path) -> None:
    (files / "good.yaml").write_text(f"enforced: [token, route]\n{GOOD}")
    assert report(run("check", "good.yaml", "--json"), 0)["enforced"] == []


def test_permissions_that_do_nothing_are_findings(run: Run, files: Path) -> None:
    (files / "x.yaml").write_text(GOOD.replace("owner: {allow: [POST /pets]}", "owner: {allow: [GET /pets], deny: [GET /health]}"))
    result = run("check", "x.yaml")
    assert result.exit_code == 1
    printed = lines(result.stdout)
    assert [line for line in printed if line.startswith("redundant group/owner allow GET /pets:")]
    assert "uncovered nobody may call POST /pets" in printed
    assert "nothing to see to in the permissions" not in printed
    found = report(run("check", "x.yaml", "--json"), 1)
    assert [each["kind"] for each in found["findings"]] == ["redundant", "uncovered"]
    assert found["findings"][1]["message"] == "nobody may call POST /pets"


def test_a_broken_invariant_is_a_finding_with_its_counter_example(run: Run, files: Path) -> None:
    (files / "rules.yaml").write_text('- never: guest -> POST /**\n- only: "[owner] -> /pets/**"\n')
    result = run("check", "good.yaml", "--invariants", "rules.yaml")
    assert result.exit_code == 1
    counter_example = "group/guest may GET /pets/{petId} by group/guest allow GET /pets/{petId}"
    assert f"broken only: [owner] -> /pets/**: {counter_example}" in lines(result.stdout)
    assert not [line for line in lines(result.stdout) if line.startswith("broken never")]
    found = report(run("check", "good.yaml", "--invariants", "rules.yaml", "--json"), 1)
    assert {"invariant": "only: [owner] -> /pets/**", "counter_example": counter_example} in found["violations"]


def test_invariants_that_hold_end_with_0(run: Run, files: Path) -> None:
    (files / "rules.yaml").write_text("- never: guest -> POST /**\n- implies: POST /pets -> GET /pets\n")
    assert report(run("check", "good.yaml", "--invariants", "rules.yaml", "--json"), 0)["violations"] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("never: gusts -> POST /**", "never: gusts -> POST /**: no document has `group/gusts`"),
        ("never: guest -> GET /pet", "never: guest -> GET /pet: `GET /pet` means no route of any document"),
    ],
)
def test_an_invariant_about_what_no_document_has_is_a_finding(run: Run, files: Path, rule: str, words: str) -> None:
    (files / "rules.yaml").write_text(f"- {rule}\n")
    result = run("check", "good.yaml", "sandwich.yaml", "--invariants", "rules.yaml")
    assert result.exit_code == 1
    assert lines(result.stdout)[:2] == [f"unknown {words}", "petstore: 4 routes, 3 subjects"]
    assert result.stdout.count("unknown") == 1
    found = report(run("check", "good.yaml", "--invariants", "rules.yaml", "--json"), 1)
    assert found["findings"] == [{"kind": "unknown", "message": words}]


def test_an_invariant_about_one_of_several_documents_is_no_finding(run: Run, files: Path) -> None:
    (files / "rules.yaml").write_text("- never: guest -> POST /**\n- never: ends -> GET /a/{x}/{y}\n")
    assert run("check", "good.yaml", "sandwich.yaml", "--invariants", "rules.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("- never: guest\n", ":1 /0/never", "`never` is written as in"),
        ("- x\n- sometimes: y -> /z\n", ":2 /1/sometimes", "`sometimes` is not a field"),
        ("never: guest -> /x\n", ":1 ", "the invariants must be a list, not a mapping"),
        ("- never: guest -> POST /**\n  never: guest -> /**\n", ":1 /0/never", "`never` stands here and again in line 2"),
        ("- implies: /a -> /b\n---\n- never: guest -> /x\n- never: guest\n", ":4 /1/never", "`never` is written as in"),
        ("[", " ", "the file cannot be read"),
        ("", " ", "the file is empty"),
    ],
)
def test_invariants_that_cannot_be_read_are_findings(run: Run, files: Path, text: str, place: str, words: str) -> None:
    (files / "rules.yaml").write_text(text)
    result = run("check", "good.yaml", "--invariants", "rules.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line for line in result.stderr.splitlines() if line.startswith(f"rules.yaml{place}") and words in line], result.stderr
    assert "in rules.yaml; nothing was looked at" in result.stderr


def test_problems_of_the_text_and_of_its_meaning_are_told_line_by_line(run: Run, files: Path) -> None:
    (files / "rules.yaml").write_text("- never: guest\n- only: owner -> /pets\n  only: guest -> /pets\n- equal: guest\n")
    result = run("check", "good.yaml", "--invariants", "rules.yaml")
    assert [line.partition(" `")[0] for line in result.stderr.splitlines()[:3]] == [
        "rules.yaml:1 /0/never",
        "rules.yaml:2 /1/only",
        "rules.yaml:4 /2/equal",
    ]


def test_callers_of_a_file_are_judged_instead_of_all_combinations(run: Run, files: Path) -> None:
    (files / "callers.txt").write_text("# who there is\n\nmiddle , ends\nends,middle\nfirst  # since June\n,\nstranger, first\n")
    found = report(run("check", "sandwich.yaml", "--callers", "callers.txt", "--json"), 0)
    assert verdicts(found) == {
        "": "yes",
        "group/ends + group/middle": "yes",
        "group/first": "guards",
        "group/first + group/stranger": "guards",
    }


def test_an_enforced_scope_is_kept_to_for_each_subject_alone_and_for_the_callers_of_a_file(run: Run, files: Path) -> None:
    (files / "callers.txt").write_text("\ufeffends, middle\nends, first\n")
    found = report(run("check", "enforced.yaml", "--callers", "callers.txt", "--json"), 1)
    assert verdicts(found) == {"group/ends + group/first": "no", "group/ends + group/middle": "yes"}
    assert [each.partition(":")[0] for each in found["enforced"]] == [
        "group/ends + group/first",
        "group/ends",
        "group/first",
        "group/middle",
    ]


def test_callers_that_are_not_utf_8_are_a_mistake_of_usage(run: Run, files: Path) -> None:
    (files / "callers.txt").write_bytes(b"guest\nM\xe4rz\n")
    result = run("check", "good.yaml", "--callers", "callers.txt")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: callers.txt: the file is not UTF-8: ")


@pytest.mark.parametrize("most", [1, 2, 5, 8, 1000])
def test_so_many_combinations_are_judged(run: Run, most: int) -> None:
    found = report(run("check", "sandwich.yaml", "--combinations", str(most), "--json"), 0)
    assert len(found["token_scope"]) == min(most, 8)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "good.yaml", "--combinations", "0"],
        ["check", "good.yaml", "--combinations", "some"],
        ["check", "good.yaml", "--invariants", "nowhere.yaml"],
        ["check", "good.yaml", "--callers", "nowhere.txt"],
        ["check", "nowhere.yaml"],
        ["matrix"],
        ["matrix", "nowhere.yaml"],
    ],
)
def test_wrong_arguments_are_mistakes_of_usage(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    for name in ("nowhere.yaml", "nowhere.txt"):
        assert name not in arguments or name in result.stderr


@pytest.mark.parametrize("command", ["check", "matrix"])
def test_a_document_with_mistakes_is_not_looked_at(run: Run, files: Path, command: str) -> None:
    (files / "bad.yaml").write_text(GOOD.replace("POST /pets]}", "POST /pet]}"))
    result = run(command, "good.yaml", "bad.yaml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "bad.yaml:6 /groups/owner/allow/0" in result.stderr
    assert "1 problem in bad.yaml; nothing was looked at" in result.stderr


def test_several_documents_are_told_one_by_one(run: Run, files: Path) -> None:
    (files / "all.yaml").write_text(f"{GOOD}---\n{SANDWICH}")
    result = run("check", "all.yaml")
    assert result.exit_code == 0
    assert [line for line in lines(result.stdout) if line.endswith("subjects")] == [
        "petstore: 4 routes, 3 subjects",
        "shop: 4 routes, 4 subjects",
    ]
    assert [one["api"] for one in parsed(run("check", "good.yaml", "sandwich.yaml", "--json"))] == ["petstore", "shop"]
    assert [one["api"] for one in parsed(run("matrix", "all.yaml", "--json"))] == ["petstore", "shop"]


def test_one_finding_in_one_of_several_documents_is_enough(run: Run) -> None:
    assert run("check", "good.yaml", "enforced.yaml").exit_code == 1
    assert run("check", "enforced.yaml", "good.yaml", "--json").exit_code == 1


def test_only_the_first_of_many_triples_are_shown(run: Run, files: Path) -> None:
    words = ", ".join(f'"GET /{{x}}/w{number:02}"' for number in range(30))
    text = f'api: wide\nroutes: ["GET /{{x}}", {words}, "GET /{{x}}/{{y}}/{{z}}"]\neveryone: {{allow: ["* /**"]}}\n'
    (files / "wide.yaml").write_text(text)
    result = run("check", "wide.yaml")
    assert result.exit_code == 0
    printed = lines(result.stdout)
    assert len([line for line in printed if line.startswith("GET: /{x} and ")]) == 20
    assert printed[-1] == "and more"
    found = report(run("check", "wide.yaml", "--json"), 0)
    assert (len(found["risky_triples"]), found["more_risky_triples"]) == (20, True)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_document_that_its_enforced_scope_cannot_express_is_not_published(run: Run, target: Table, command: str) -> None:
    result = run(command, "enforced.yaml", *(["--yes"] if command == "apply" else []))
    assert (result.exit_code, result.stdout) == (1, "")
    told = [line for line in result.stderr.splitlines() if line.startswith("API shop /enforced ")]
    assert [line for line in told if "`token` scope cannot say what is permitted to group/ends: " in line and PROOF in line]
    assert [line for line in told if "group/first: " in line and HALF_A_PROOF in line and "TOKEN_SCOPE_GUARDS=1" in line]
    assert [line for line in told if "group/middle: " in line]
    assert not [line for line in told if "+" in line], "each subject by itself; combinations are for `check`"
    assert all("use `route` scope" in line for line in told)
    assert "3 problems in API shop; nothing was written" in result.stderr
    assert target.items() == {}


def test_no_subject_is_overlooked_among_many(run: Run, target: Table, files: Path) -> None:
    clients = ", ".join(f"c{number}: {{}}" for number in range(220))
    (files / "many.yaml").write_text(f"{ENFORCED}clients: {{{clients}}}\n")
    result = run("plan", "many.yaml")
    assert result.exit_code == 1
    for group in ("ends", "first", "middle"):
        assert f"`token` scope cannot say what is permitted to group/{group}: " in result.stderr
    assert "3 problems" in result.stderr


def test_a_refused_document_stops_the_others_of_one_run(run: Run, target: Table) -> None:
    assert run("apply", "good.yaml", "enforced.yaml", "--yes", "--json").exit_code == 1
    assert target.items() == {}


def test_a_document_that_its_enforced_scope_can_express_is_published(run: Run, target: Table, files: Path) -> None:
    (files / "good.yaml").write_text(f"enforced: [token]\n{GOOD}")
    result = run("apply", "good.yaml", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "published petstore version 1" in result.stdout


def test_a_plan_says_how_many_kinds_of_callers_token_scope_could_answer(run: Run, target: Table) -> None:
    text = lines(run("plan", "good.yaml", "sandwich.yaml").stdout)
    assert "token scope: could answer 4 of 4 kinds of callers" in text
    assert "token scope: could answer 3 of 8 kinds of callers; `gatebook check FILE` says why not all" in text
    planned = parsed(run("plan", "sandwich.yaml", "--json"))
    assert verdicts(planned[0])["group/ends"] == "no"
    assert [kind["counterexample"]["routes"] for kind in planned[0]["token_scope"] if kind["callers_in"] == ["group/ends"]] == [
        ["GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"]
    ]

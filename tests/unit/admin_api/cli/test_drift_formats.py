"""What other programs read of a comparison: SARIF as its specification asks, JUnit, and Markdown that says nothing but what it shows."""

import html
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from admin_api.analysis.drift import RULES, Difference, DriftReport, Kind, Severity
from admin_api.cli.render.drift_junit import drift_as_junit
from admin_api.cli.render.drift_report import DriftOutcome
from admin_api.cli.render.markdown import MARK, code, drift_as_markdown, text
from admin_api.cli.render.sarif import artifact_location, drift_as_sarif, message_text
from admin_api.documents.files import FileDocument

# What SARIF 2.1.0 asks of the objects that are written here, by its sections; no object may have a property that the section does not name.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],  # 3.13
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "additionalProperties": False,
    "$defs": {
        "run": {  # 3.14
            "type": "object",
            "required": ["tool", "results"],
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],  # 3.18
                    "properties": {
                        "driver": {
                            "type": "object",
                            "required": ["name"],  # 3.19
                            "properties": {"name": {"type": "string"}, "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}},
                            "additionalProperties": False,
                        }
                    },
                    "additionalProperties": False,
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
            "additionalProperties": False,
        },
        "message": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": {"type": "string", "minLength": 1}},
            "additionalProperties": False,
        },
        "rule": {  # 3.49
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "shortDescription": {"$ref": "#/$defs/message"}},
            "additionalProperties": False,
        },
        "result": {  # 3.27
            "type": "object",
            "required": ["message", "ruleId", "level", "locations"],
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {"$ref": "#/$defs/message"},
                "locations": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/location"}},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "additionalProperties": False,
        },
        "location": {  # 3.28 to 3.30, 3.4
            "type": "object",
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "required": ["uri"],
                            "properties": {"uri": {"type": "string", "pattern": r"^[^\s\\]+$"}, "uriBaseId": {"type": "string"}},
                            "additionalProperties": False,
                        },
                        "region": {
                            "type": "object",
                            "required": ["startLine"],
                            "properties": {"startLine": {"type": "integer", "minimum": 1}},
                            "additionalProperties": False,
                        },
                    },
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
    },
}

HOSTILE = [
    "`GET /pets`",
    "a|b",
    "`` | ``",
    "@security-team",
    "@org/team",
    "fixes #1",
    "org/repo#1",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "</code><script>alert(1)</script>",
    "<!-- gatebook-drift -->",
    "https://evil.example/?a=b",
    "www.evil.example",
    "*bold* _it_ ~~no~~ **b**",
    "a\n\n# heading",
    "a\r\n- [ ] task",
    "\\| \\`",
    "&lt;b&gt; &#96;",
    "$x$",
    ":tada:",
    "\x1b[31m\x07",
    "\u202ebidi",
    "---|---",
]


def outcome(*differences: Difference, notes: tuple[str, ...] = (), path: Path | None = None) -> DriftOutcome:
    file = FileDocument(path or Path("permissions.yaml"), None, lines={"": 1, "/routes": 2, "/routes/0": 3, "/routes/1": 4})
    return DriftOutcome("petstore", "routes.txt", file, DriftReport(differences, notes, 2))


def difference(route: str = "GET /pets", message: str = "it differs", kind: Kind = Kind.UNKNOWN, pointer: str = "/routes/1") -> Difference:
    return Difference(kind, route, message, Severity.ERROR if kind is Kind.UNKNOWN else Severity.WARNING, "api/prod GET /pets", pointer)


def sarif(told: DriftOutcome) -> dict[str, Any]:
    value = json.loads(drift_as_sarif(told))
    jsonschema.validate(value, SARIF)
    [run] = value["runs"]
    assert isinstance(run, dict)
    return run


def test_sarif_names_rule_level_line_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = sarif(outcome(difference(), difference("GET /old", "gone", Kind.GONE, "/routes/0"), path=Path("my files/p#1.yaml")))
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules} == RULES
    found = [
        (
            result["ruleId"],
            rules[result["ruleIndex"]]["id"],
            result["level"],
            result["message"]["text"],
            result["locations"][0]["physicalLocation"],
        )
        for result in run["results"]
    ]
    file = {"uri": "my%20files/p%231.yaml", "uriBaseId": "%SRCROOT%"}
    assert found == [
        ("unknown", "unknown", "error", "it differs (api/prod GET /pets)", {"artifactLocation": file, "region": {"startLine": 4}}),
        ("gone", "gone", "warning", "gone (api/prod GET /pets)", {"artifactLocation": file, "region": {"startLine": 3}}),
    ]


def test_sarif_without_findings_says_that_it_looked() -> None:
    """A code host closes what an earlier run found."""
    assert sarif(outcome())["results"] == []


def test_no_name_is_a_placeholder_or_a_link_of_sarif() -> None:
    assert message_text("`GET /a/{0}/{x}/{12+}`") == "`GET /a/{{0}}/{x}/{12+}`"
    assert message_text("[x](https://evil.example)") == "[x] (https://evil.example)"


def test_a_finding_that_moved_is_the_same_finding() -> None:
    prints = [sarif(outcome(difference(pointer=pointer)))["results"][0]["partialFingerprints"] for pointer in ("/routes/0", "/routes/1")]
    assert prints[0] == prints[1]
    assert sarif(outcome(difference("GET /x")))["results"][0]["partialFingerprints"] != prints[0]


def test_a_file_elsewhere_has_its_whole_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert artifact_location(tmp_path / "p.yaml") == {"uri": (tmp_path / "p.yaml").as_uri()}
    assert artifact_location(Path("../here/p.yaml")) == {"uri": "p.yaml", "uriBaseId": "%SRCROOT%"}


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_names_are_data_in_sarif_and_junit(bad: str) -> None:
    told = outcome(difference(bad, bad))
    assert sarif(told)["results"][0]["message"]["text"].startswith(bad.replace("](", "] ("))
    [case] = ET.fromstring(drift_as_junit(told)).iter("testcase")  # noqa: S314  # written just above
    assert case.get("name", "").startswith("unknown ")


def test_junit_has_a_failure_for_each_difference() -> None:
    suite = ET.fromstring(drift_as_junit(outcome(difference(), difference("GET /old", "gone", Kind.GONE))))  # noqa: S314
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert [(case.get("name"), case.get("file"), case.get("line")) for case in suite.iter("testcase")] == [
        ("unknown GET /pets", "permissions.yaml", "4"),
        ("gone GET /old", "permissions.yaml", "4"),
    ]


def test_junit_without_differences_passes() -> None:
    suite = ET.fromstring(drift_as_junit(outcome()))  # noqa: S314
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert [case.get("name") for case in suite.iter("testcase")] == ["nothing differs between permissions.yaml and routes.txt, 2 routes"]


MARKUP = set("\\`|*_{}[]<>()#!@~:.^$\"'+=-\n\r")


@pytest.mark.parametrize("bad", HOSTILE)
def test_no_name_is_markup(bad: str) -> None:
    """Every sign that Markdown, HTML or GitHub reads is an entity, and after entities were read no mention and no number of an issue is left."""
    shown = text(bad)
    bare = re.sub(r"&#[0-9]+;", "", shown)
    assert not set(bare) & (MARKUP | {"&"})
    assert all(c.isprintable() for c in bare)
    assert not re.search(r"[@#][A-Za-z0-9]", html.unescape(shown))
    if bad.isprintable():
        assert html.unescape(shown).replace("\u200b", "") == bad
        assert html.unescape(code(bad)) == f"<code>{bad}</code>"
    assert not set(re.sub(r"&#[0-9]+;", "", code(bad).removeprefix("<code>").removesuffix("</code>"))) & (MARKUP | {"&"})


@pytest.mark.parametrize("bad", HOSTILE)
def test_each_difference_is_one_row_of_four_cells(bad: str) -> None:
    lines = drift_as_markdown(outcome(difference(bad, bad), notes=(bad,))).splitlines()
    assert lines[0] == MARK
    rows = [line for line in lines if line.startswith("|")]
    assert [row.count("|") for row in rows] == [5, 5, 5]
    assert lines[-1].startswith("- ")
    assert "".join(lines).count("<!--") == 1


def test_what_is_no_difference_has_no_table() -> None:
    told = drift_as_markdown(outcome(notes=("told",)))
    assert (
        html.unescape(told)
        == f"{MARK}\n**Gatebook**, <code>petstore</code>: nothing differs between permissions.yaml and routes.txt, 2 routes.\n\n- told\n"
    )


def test_a_comment_is_no_longer_than_a_host_takes() -> None:
    many = [difference("GET /" + "*" * 500, "|" * 500, pointer=f"/routes/{number}") for number in range(200)]
    told = drift_as_markdown(outcome(*many, notes=("@" * 500,) * 200))
    assert len(told) < 65_000
    assert f"\n{200 - told.count('<code>') + 1} more: run `gatebook drift` for all" in told
    assert re.search(r"\n- \d+ more\n$", told)

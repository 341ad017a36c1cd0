"""JUnit XML: what CI systems read, whatever characters names have."""

import xml.etree.ElementTree as ET

from admin_api.cli.render.junit import JUnitCase, JUnitSuite, junit_xml


def test_suites_have_their_cases_and_counts() -> None:
    text = junit_xml(
        [
            JUnitSuite("first", [JUnitCase("good"), JUnitCase("bad", 'expected <a>, got "b"', "who & what\nwhy", "x.yaml", 7)]),
            JUnitSuite("second", []),
        ]
    )
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    root = ET.fromstring(text)  # noqa: S314  # our own text
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    first, second = root
    assert (first.attrib, second.attrib) == (
        {"name": "first", "tests": "2", "failures": "1", "errors": "0"},
        {"name": "second", "tests": "0", "failures": "0", "errors": "0"},
    )
    good, bad = first
    assert (good.attrib, len(good)) == ({"classname": "first", "name": "good"}, 0)
    assert bad.attrib == {"classname": "first", "name": "bad", "file": "x.yaml", "line": "7"}
    [failure] = bad
    assert (failure.get("message"), failure.text) == ('expected <a>, got "b"', "who & what\nwhy")


def test_characters_that_xml_has_not_are_written_out() -> None:
    text = junit_xml([JUnitSuite("a\x07b", [JUnitCase("\ud800 \x1b[31m", "no\x00", "\ufffe\t\U0001f600")])])
    root = ET.fromstring(text)  # noqa: S314  # our own text
    [suite] = root
    [case] = suite
    [failure] = case
    assert (suite.get("name"), case.get("name")) == (r"a\x07b", r"\ud800 \x1b[31m")
    assert (failure.get("message"), failure.text) == (r"no\x00", "\\ufffe\t\U0001f600")

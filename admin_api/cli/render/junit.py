"""Results as JUnit XML, which CI systems show beside a change: suites of cases, each passed or failed with its text."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

# XML 1.0 section 2.2: no other character may stand in a document, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class JUnitCase:
    """One case. `failure` is one line, empty if the case passed; `text` is all that there is to say of a failure. `line` is 0 where none is known."""

    name: str
    failure: str = ""
    text: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class JUnitSuite:
    """Cases that belong together."""

    name: str
    cases: Sequence[JUnitCase]


def junit_xml(suites: Sequence[JUnitSuite]) -> str:
    """Return the text of a JUnit file."""
    root = ET.Element("testsuites", _counts([case for suite in suites for case in suite.cases]))
    for suite in suites:
        element = ET.SubElement(root, "testsuite", {"name": _text(suite.name), **_counts(suite.cases)})
        for case in suite.cases:
            place = ({"file": _text(case.file)} if case.file else {}) | ({"line": str(case.line)} if case.line else {})
            told = ET.SubElement(element, "testcase", {"classname": _text(suite.name), "name": _text(case.name), **place})
            if case.failure:
                ET.SubElement(told, "failure", {"message": _text(case.failure), "type": "failure"}).text = _text(case.text)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _counts(cases: Sequence[JUnitCase]) -> dict[str, str]:
    return {"tests": str(len(cases)), "failures": str(sum(bool(case.failure) for case in cases)), "errors": "0"}


def _text(text: str) -> str:
    """Return a text with what XML cannot say written out: a bell -> `\\\\x07`."""
    return _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)

"""What `drift` found as JUnit XML, which most CI servers show as tests: one failed test for each difference, one that passes if there is none."""

import re
from xml.etree import ElementTree as ET

from admin_api.cli.render.drift_report import DriftOutcome

# What XML 1.0 has no way to write (section 2.2).
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def drift_as_junit(outcome: DriftOutcome) -> str:
    """Return the text of a JUnit file."""
    differences = outcome.report.differences
    counts = {"tests": str(len(differences) or 1), "failures": str(len(differences)), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": _text(f"gatebook drift {outcome.api}"), **counts})
    if not differences:
        ET.SubElement(suite, "testcase", {"classname": "gatebook.drift", "name": _text(outcome.headline)})
    for each in differences:
        line = outcome.line(each)
        attributes = {
            "classname": f"gatebook.drift.{each.kind.value}",
            "name": _text(each.route),
            "file": _text(str(outcome.path)),
            "line": str(line),
        }
        case = ET.SubElement(suite, "testcase", attributes)
        failure = ET.SubElement(case, "failure", {"type": each.severity.value, "message": _text(each.message)})
        failure.text = _text(f"{outcome.path}:{line}: {each.message}" + (f"\n{each.place}" if each.place else ""))
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _text(value: str) -> str:
    return _NO_XML.sub("�", value)

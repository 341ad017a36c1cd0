"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), which code hosts show beside the lines of a change."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from admin_api.analysis.drift import RULES, Difference, Kind
from admin_api.cli.render.drift_report import DriftOutcome

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = list(Kind)

_PLACEHOLDER = re.compile(r"\{([0-9]+)\}")


def drift_as_sarif(outcome: DriftOutcome) -> str:
    """Return what `drift` found as the text of a SARIF file."""
    rules = [{"id": kind.value, "shortDescription": {"text": RULES[kind]}} for kind in _KINDS]
    run = {
        "tool": {"driver": {"name": "gatebook drift", "rules": rules}},
        # Columns count what most editors count.
        "columnKind": "utf16CodeUnits",
        "results": [_result(outcome, each) for each in outcome.report.differences],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _result(outcome: DriftOutcome, difference: Difference) -> dict[str, Any]:
    message = difference.message + (f" ({difference.place})" if difference.place else "")
    return {
        "ruleId": difference.kind.value,
        "ruleIndex": _KINDS.index(difference.kind),
        "level": difference.severity.value,
        "message": {"text": message_text(message)},
        "locations": [
            {"physicalLocation": {"artifactLocation": artifact_location(outcome.path), "region": {"startLine": outcome.line(difference)}}}
        ],
        # The same finding on another line is the same finding.
        "partialFingerprints": {"gatebookDrift/v1": _fingerprint(outcome.api, difference.kind.value, difference.route)},
    }


def message_text(text: str) -> str:
    """Return a message in which nothing is a placeholder or a link: `{0}` -> `{{0}}`, `[a](b)` -> `[a] (b)` (sections 3.11.5 and 3.11.6).

    Other braces stay as they are, though the section doubles all: code hosts show the text as it is, and every parameter would have two pairs.
    """
    return _PLACEHOLDER.sub(r"{{\1}}", text).replace("](", "] (")


def artifact_location(path: Path) -> dict[str, str]:
    """Return where a file is: relative to the current folder, which is that of the sources, if it is within; else its whole address (section 3.4)."""
    whole = path.resolve()
    root = Path.cwd().resolve()
    if whole.is_relative_to(root):
        return {"uri": quote(whole.relative_to(root).as_posix()), "uriBaseId": "%SRCROOT%"}
    return {"uri": whole.as_uri()}


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

"""The line of a decision says what Powertools' Logger and Metrics would have said in two."""

import json
import logging
import re
import sys
from typing import Any, TextIO

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer.decision_line import DecisionLines
from authorizer.log_json import log_json

OWN = {"api": "petstore", "service": "gatebook"}
FIELDS: dict[str, Any] = {
    "subject": "5f2c",
    "method_arn": "arn:aws:execute-api:eu-west-1:123456789012:abc/dev/GET/pets/\u00e4\U0001f43e",
    "determining": ["group/guest allow GET /pets"],
    "version": 7,
    "cached": True,
}
WRITTEN = log_json(FIELDS)[1:-1]


def metrics() -> Metrics:
    told = Metrics(namespace="Gatebook", service="gatebook")
    told.clear_metrics()
    told.set_default_dimensions(api="petstore")
    return told


def print_to(stream: TextIO | None) -> None:
    for handler in logging.getLogger("gatebook").handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.stream = stream


def by_powertools(
    capsys: pytest.CaptureFixture[str], level: int, message: str, counted: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    logger = Logger(service="gatebook", json_serializer=log_json)
    # A logger of one name is made once, with the standard output of whoever came first.
    print_to(sys.stdout)
    says = logger.warning if level == logging.WARNING else logger.info
    says(message, api="petstore", **FIELDS)
    counts = metrics()
    for name in counted:
        counts.add_metric(name, MetricUnit.Count, 1)
    counts.flush_metrics()
    print_to(sys.__stdout__)
    line, told = map(json.loads, capsys.readouterr().out.splitlines())
    return line, told


@pytest.mark.parametrize("trace", ["", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"])
@pytest.mark.parametrize(
    ("level", "message", "counted"),
    [
        (logging.INFO, "decision", ("allowed",)),
        (logging.INFO, "decision", ("denied", "needs_narrower_scope", "catalogue_drift")),
        (logging.WARNING, "report_only: let pass what would be denied", ("would_be_denied",)),
    ],
)
def test_a_line_says_what_powertools_says_in_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, level: int, message: str, counted: tuple[str, ...], trace: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    logged, told = by_powertools(capsys, level, message, counted)
    lines = DecisionLines(metrics(), OWN)
    for _ in range(2):
        lines.write(logging.getLevelName(level), message, WRITTEN, counted)
        line = json.loads(capsys.readouterr().out)
        form = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4}")
        assert form.fullmatch(line["timestamp"])
        assert form.fullmatch(logged["timestamp"])
        assert line["timestamp"][:14] == logged["timestamp"][:14] or line["timestamp"] > logged["timestamp"]
        assert 0 <= line["_aws"]["Timestamp"] - told["_aws"]["Timestamp"] < 60_000
        as_one = logged | told
        for written in (line, as_one):
            del written["timestamp"], written["location"]
            written["_aws"] = written["_aws"] | {"Timestamp": 0}
        assert line == as_one
        logged |= {"timestamp": "2026-01-01 00:00:00,000+0000", "location": ""}


def test_a_line_without_its_text_still_counts(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = by_powertools(capsys, logging.INFO, "decision", ("allowed",))
    DecisionLines(metrics(), OWN).count("", ("allowed",))
    line = json.loads(capsys.readouterr().out)
    line["_aws"]["Timestamp"] = told["_aws"]["Timestamp"]
    assert line == told


def test_metrics_that_are_switched_off_leave_the_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    lines = DecisionLines(metrics(), OWN)
    lines.count("", ("allowed",))
    lines.write("INFO", "decision", WRITTEN, ("allowed",))
    line = json.loads(capsys.readouterr().out)
    assert line["subject"] == "5f2c"
    assert "_aws" not in line
    assert "allowed" not in line
    # Nor does a line that somebody else writes get any.
    assert lines.metrics_of(("trouble",)) == {}


def test_a_line_is_written_in_one_piece_and_half_a_surrogate_pair_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[str] = []
    monkeypatch.setattr(sys.stdout, "write", pieces.append)
    DecisionLines(metrics(), OWN).write("INFO", "decision", log_json({"route": "\ud800"})[1:-1], ("allowed",))
    [piece] = pieces
    assert piece.endswith("}\n")
    assert json.loads(piece.encode())["route"] == "\ud800"

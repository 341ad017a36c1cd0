"""What a request leaves behind: one log line and its metrics. Neither ever holds the token."""

import logging
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer.answering import Outcome
from authorizer.decision_line import DecisionLines, Measure
from authorizer.errors import TokenError, TroubleError
from authorizer.events.request_ids import read_request_ids
from authorizer.log_json import log_json
from authorizer.policy.iam.method_arn import CONSOLE_TEST_STAGES
from authorizer.policy.request_path import Unroutable
from authorizer.ruling import Ruling
from authorizer.shadow import Judgement


class Metric(StrEnum):
    """The metrics, in the namespace `Gatebook`: counts, but `head_age` in seconds and `latency` in milliseconds."""

    ALLOWED = "allowed"
    DENIED = "denied"
    WOULD_BE_DENIED = "would_be_denied"
    UNAUTHORIZED = "unauthorized"
    TROUBLE = "trouble"
    STALE = "stale"
    STALE_KEYS = "stale_keys"
    HEAD_AGE = "head_age"
    KEY_FETCHES = "key_fetches"
    KEY_FETCH_FAILURES = "key_fetch_failures"
    NEEDS_NARROWER_SCOPE = "needs_narrower_scope"
    CATALOGUE_DRIFT = "catalogue_drift"
    SHADOW_JUDGED = "shadow_judged"
    SHADOW_DIFFERENCE = "shadow_difference"
    SHADOW_SKIPPED = "shadow_skipped"
    SHADOW_TROUBLE = "shadow_trouble"
    COLD_STARTS = "cold_starts"
    LATENCY = "latency"


TOLD_APART = {
    Metric.DENIED: "reason",
    Metric.WOULD_BE_DENIED: "reason",
    Metric.UNAUTHORIZED: "reason",
    Metric.TROUBLE: "reason",
    Metric.NEEDS_NARROWER_SCOPE: "narrowed",
}
"""Metrics that have one more set of dimensions, and the field of the line that is their third dimension there."""

DIMENSIONS = ("api", "function_name")
"""What tells the functions of one API apart. Each metric has these, and `api` and `service` besides, where all functions of an API are one."""

RequestIds = Mapping[str, Any]
"""The ids of one request: Lambda's as `request_id`, and the gateway's by its own names."""

_CAUSES = 4
_WHOLE = 1 - 1e-9


def request_ids(event: Mapping[str, Any], context: object) -> RequestIds:
    """Return the ids of a request, as every line about it has them. Raises nothing."""
    return {"request_id": str(getattr(context, "aws_request_id", "")), **read_request_ids(event)}


class RequestLog:
    """Writes the lines and metrics of one API's requests, of one request at a time.

    Of plain allows the share `allowed_share` has a line, from 1 for all to 0 for none: the first of an environment, and then each tenth if it is 0.1. Metrics
    count them all. A deny, a stale answer and one that speaks of less than it should always have their line.
    """

    def __init__(self, api: str, function: str = "unknown", *, allowed_share: float = 1) -> None:
        self._api = api
        self._allowed_share = allowed_share
        self._owed = 1 - allowed_share
        self._own = {"api": api, "service": "gatebook", "function_name": function}
        # The frames as objects would say once more what the trace says.
        self._logger = Logger(service="gatebook", json_serializer=log_json, serialize_stacktrace=False)
        metrics = Metrics(namespace="Gatebook", service="gatebook")
        metrics.set_default_dimensions(api=api)
        self._lines = DecisionLines(metrics, self._own, DIMENSIONS, {metric.value: field for metric, field in TOLD_APART.items()})
        self._cold = True
        self._began = 0.0
        self._noted: list[Metric] = []
        self._alone: list[Metric] = []

    def warn_of_report_only(self) -> None:
        """Say at cold start that nothing is enforced."""
        self._logger.warning(
            "report_only", api=self._api, detail="every good token passes whatever is permitted: take `REPORT_ONLY` out to enforce"
        )

    def begin(self) -> None:
        """Note that a request has come."""
        self._began = time.perf_counter()
        self._noted, self._cold = [Metric.COLD_STARTS] if self._cold else [], False

    def key_fetch(self, *, succeeded: bool) -> None:
        """Note that the request at hand had an issuer asked for its keys."""
        self._noted.append(Metric.KEY_FETCHES)
        if not succeeded:
            self._noted.append(Metric.KEY_FETCH_FAILURES)

    def unauthorized(self, error: TokenError, ids: RequestIds) -> None:
        """Say why a token was refused."""
        counted, measured = self._with_noted((Metric.UNAUTHORIZED.value,)), self._measured(waited=False)
        reason = _fields({"reason": error.reason})
        if self._logger.log_level <= logging.INFO:
            self._lines.write("INFO", "unauthorized", f"{reason},{_fields({'detail': str(error), **ids})}", counted, measured)
        else:
            self._lines.count(reason, counted, measured)

    def trouble(self, error: Exception, ids: RequestIds, event_format: str | None) -> None:
        """Say what went wrong on our side, in which function, for an event of which format (None: it could not be read).

        What was foreseen is told by its sentence and its causes, anything else by its trace.
        """
        reason = getattr(error, "reason", type(error).__name__)
        counted, measured = self._with_noted((Metric.TROUBLE.value,)), self._measured(waited=True)
        if self._logger.log_level > logging.ERROR:
            self._lines.count(_fields({"reason": reason}), counted, measured)
            return
        cause: dict[str, Any] = {"exception": _told(error)} if isinstance(error, TroubleError) else {"exc_info": error}
        about = {**self._own, "reason": reason, "format": event_format or "unknown", **ids}
        self._logger.error("trouble", **about, **self._lines.metrics_of(counted, measured), **cause)

    def decided(self, outcome: Outcome, ids: RequestIds, *, stale_keys: bool, head_age: float) -> None:
        """Write the decision line and count the decision. `head_age` tells how many seconds ago the table last confirmed the version that decided."""
        ruling, loaded = outcome.ruling, outcome.loaded
        level = logging.WARNING if ruling.report_only_override else logging.INFO
        counted = self._with_noted(_counted(ruling))
        measured = self._measured(waited=not loaded.cached)
        # Whoever has just started has just seen the head.
        if loaded.stale or not (loaded.cached or Metric.COLD_STARTS in self._noted):
            measured += (Measure(Metric.HEAD_AGE.value, MetricUnit.Seconds, head_age),)
        if self._logger.log_level <= level and (stale_keys or not _is_plain(outcome) or self._is_next()):
            message = "report_only: let pass what would be denied" if ruling.report_only_override else "decision"
            fields = _fields(_fields_of(outcome, ids) | {"stale_keys": stale_keys})
            self._lines.write(logging.getLevelName(level), message, f"{ruling.line_json},{fields}", counted, measured)
        else:
            self._lines.count(ruling.metric_json, counted, measured)
        # These have the names of fields, and the fields keep them: they are told in a line of their own.
        if loaded.stale:
            self._alone.append(Metric.STALE)
        if stale_keys:
            self._alone.append(Metric.STALE_KEYS)

    def compared(self, outcome: Outcome, ids: RequestIds, judgement: Judgement) -> None:
        """Say where the candidate in the shadow differs from what was decided."""
        candidate = judgement.decision
        if candidate is None:
            self._alone.append(Metric.SHADOW_TROUBLE if judgement.trouble else Metric.SHADOW_SKIPPED)
            if judgement.trouble:
                self._logger.warning("shadow_trouble", api=self._api, reason=judgement.trouble, **ids)
            return
        self._alone.append(Metric.SHADOW_JUDGED)
        if candidate.allowed != outcome.ruling.decision.allowed:
            self._alone.append(Metric.SHADOW_DIFFERENCE)
            told = {
                "candidate_effect": candidate.effect.value,
                "candidate_reason": candidate.reason.value,
                "candidate_determining": [permission.id for permission in candidate.determining],
                "candidate_version": judgement.version,
            }
            live = {**outcome.ruling.line, **_fields_of(outcome, ids)}
            self._logger.info("shadow_difference", api=self._api, **live | told)

    def flush(self) -> None:
        """Write the metrics of the request that no line has told."""
        if self._alone:
            alone, self._alone = self._alone, []
            self._lines.count("", tuple(metric.value for metric in alone))

    def _is_next(self) -> bool:
        """Return whether this plain allow is one of the share that has a line."""
        self._owed += self._allowed_share
        if self._allowed_share <= 0 or self._owed < _WHOLE:
            return False
        self._owed -= 1
        return True

    def _with_noted(self, counted: tuple[str, ...]) -> tuple[str, ...]:
        return counted + tuple(metric.value for metric in self._noted) if self._noted else counted

    def _measured(self, *, waited: bool) -> tuple[Measure, ...]:
        """Return how long the request took, if it `waited` for the table or for an issuer, or made a cold start: any other takes under a millisecond."""
        if not waited and not self._noted:
            return ()
        return (Measure(Metric.LATENCY.value, MetricUnit.Milliseconds, (time.perf_counter() - self._began) * 1000),)


def _is_plain(outcome: Outcome) -> bool:
    """Return whether an answer is an allow that nobody will ask about: by what is in force, and for all that is configured."""
    ruling = outcome.ruling
    return ruling.decision.allowed and ruling.scope_fallback is None and not outcome.loaded.stale


def _counted(ruling: Ruling) -> tuple[str, ...]:
    """Return the names of the metrics that count a ruling."""
    overridden = ruling.report_only_override
    counted = [Metric.ALLOWED if ruling.decision.allowed else Metric.WOULD_BE_DENIED if overridden else Metric.DENIED]
    if ruling.scope_fallback:
        counted.append(Metric.NEEDS_NARROWER_SCOPE)
    if ruling.decision.reason is Unroutable.CATALOGUE_DRIFT and ruling.method_arn.stage not in CONSOLE_TEST_STAGES:
        counted.append(Metric.CATALOGUE_DRIFT)
    return tuple(metric.value for metric in counted)


def _fields_of(outcome: Outcome, ids: RequestIds) -> dict[str, Any]:
    """Return what a line says besides the ruling: of a denied request also what the token gave its bearer, since that is what people ask first."""
    loaded, principal = outcome.loaded, outcome.principal
    fields = {
        "subject": principal.subject,
        "version": loaded.version,
        "cached": loaded.cached,
        "stale": loaded.stale,
        **ids,
    }
    if not outcome.ruling.decision.allowed:
        fields["groups"] = principal.groups
        if principal.is_machine:
            fields["client_id"] = principal.named_client_id
            fields["scopes"] = principal.scopes
    return fields


def _fields(told: Mapping[str, Any]) -> str:
    """Return fields as JSON, without the braces around them."""
    return log_json(told)[1:-1]


def _told(error: Exception) -> str:
    """Return what an error says, and what its causes say: `TroubleError: table `x` cannot be read <- ConnectTimeoutError: ...`."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < _CAUSES:
        told.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__
    return " <- ".join(told)

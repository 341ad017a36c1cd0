"""What a request leaves behind: one log line and its metrics. Neither ever holds the token."""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer.answering import Outcome
from authorizer.decision_line import DecisionLines
from authorizer.errors import TokenError, TroubleError
from authorizer.events.request_ids import read_request_ids
from authorizer.log_json import log_json
from authorizer.policy.iam.method_arn import CONSOLE_TEST_STAGES
from authorizer.policy.request_path import Unroutable
from authorizer.ruling import Ruling
from authorizer.shadow import Judgement


class Metric(StrEnum):
    """The metrics, each a count, in the namespace `Gatebook` with the dimension `api`."""

    ALLOWED = "allowed"
    DENIED = "denied"
    WOULD_BE_DENIED = "would_be_denied"
    UNAUTHORIZED = "unauthorized"
    TROUBLE = "trouble"
    STALE = "stale"
    STALE_KEYS = "stale_keys"
    NEEDS_NARROWER_SCOPE = "needs_narrower_scope"
    CATALOGUE_DRIFT = "catalogue_drift"
    SHADOW_JUDGED = "shadow_judged"
    SHADOW_DIFFERENCE = "shadow_difference"
    SHADOW_SKIPPED = "shadow_skipped"
    SHADOW_TROUBLE = "shadow_trouble"


RequestIds = Mapping[str, Any]
"""The ids of one request: Lambda's as `request_id`, and the gateway's by its own names."""

_CAUSES = 4


def request_ids(event: Mapping[str, Any], context: object) -> RequestIds:
    """Return the ids of a request, as every line about it has them. Raises nothing."""
    return {"request_id": str(getattr(context, "aws_request_id", "")), **read_request_ids(event)}


class RequestLog:
    """Writes the lines and metrics of one API's requests."""

    def __init__(self, api: str, function: str = "unknown") -> None:
        self._api = api
        self._function = function
        # The frames as objects would say once more what the trace says.
        self._logger = Logger(service="gatebook", json_serializer=log_json, serialize_stacktrace=False)
        self._metrics = Metrics(namespace="Gatebook", service="gatebook")
        self._metrics.set_default_dimensions(api=api)
        self._has_counted = False
        self._lines = DecisionLines(self._metrics, {"api": api, "service": "gatebook"})

    def warn_of_report_only(self) -> None:
        """Say at cold start that nothing is enforced."""
        self._logger.warning(
            "report_only", api=self._api, detail="every good token passes whatever is permitted: take `REPORT_ONLY` out to enforce"
        )

    def unauthorized(self, error: TokenError, ids: RequestIds) -> None:
        """Say why a token was refused."""
        self._logger.info("unauthorized", api=self._api, reason=error.reason, detail=str(error), **ids)
        self._count(Metric.UNAUTHORIZED)

    def trouble(self, error: Exception, ids: RequestIds, event_format: str | None) -> None:
        """Say what went wrong on our side, in which function, for an event of which format (None: it could not be read).

        What was foreseen is told by its sentence and its causes, anything else by its trace.
        """
        cause: dict[str, Any] = {"exception": _told(error)} if isinstance(error, TroubleError) else {"exc_info": error}
        told: dict[str, Any] = {"api": self._api, "function_name": self._function, "format": event_format or "unknown"}
        self._logger.error("trouble", reason=getattr(error, "reason", type(error).__name__), **told, **ids, **cause)
        self._count(Metric.TROUBLE)

    def decided(self, outcome: Outcome, ids: RequestIds, *, stale_keys: bool) -> None:
        """Write the decision line and count the decision."""
        ruling = outcome.ruling
        level = logging.WARNING if ruling.report_only_override else logging.INFO
        if self._logger.log_level <= level:
            message = "report_only: let pass what would be denied" if ruling.report_only_override else "decision"
            fields = log_json(_fields_of(outcome, ids) | {"stale_keys": stale_keys})[1:-1]
            self._lines.write(logging.getLevelName(level), message, f"{ruling.line_json},{fields}", _counted(ruling))
        else:
            self._lines.count(_counted(ruling))
        # These have the names of fields, and the fields keep them: they are told in a line of their own.
        if outcome.loaded.stale:
            self._count(Metric.STALE)
        if stale_keys:
            self._count(Metric.STALE_KEYS)

    def compared(self, outcome: Outcome, ids: RequestIds, judgement: Judgement) -> None:
        """Say where the candidate in the shadow differs from what was decided."""
        candidate = judgement.decision
        if candidate is None:
            self._count(Metric.SHADOW_TROUBLE if judgement.trouble else Metric.SHADOW_SKIPPED)
            if judgement.trouble:
                self._logger.warning("shadow_trouble", api=self._api, reason=judgement.trouble, **ids)
            return
        self._count(Metric.SHADOW_JUDGED)
        if candidate.allowed != outcome.ruling.decision.allowed:
            self._count(Metric.SHADOW_DIFFERENCE)
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
        if self._has_counted:
            self._has_counted = False
            self._metrics.flush_metrics()

    def _count(self, metric: Metric) -> None:
        self._has_counted = True
        self._metrics.add_metric(metric.value, MetricUnit.Count, 1)


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


def _told(error: Exception) -> str:
    """Return what an error says, and what its causes say: `TroubleError: table `x` cannot be read <- ConnectTimeoutError: ...`."""
    told: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(told) < _CAUSES:
        told.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__
    return " <- ".join(told)

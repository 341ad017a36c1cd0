"""What a request leaves behind: one log line and its metrics. Neither ever holds the token."""

import logging
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer.answering import Outcome
from authorizer.decision_line import DecisionLines
from authorizer.errors import TokenError
from authorizer.events.wire import AuthorizationRequest
from authorizer.log_json import log_json
from authorizer.policy.decision import Decision
from authorizer.policy.iam.method_arn import CONSOLE_TEST_STAGES
from authorizer.policy.request_path import Unroutable
from authorizer.shadow import Judgement

Line = dict[str, Any]


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


class RequestLog:
    """Writes the lines and metrics of one API's requests."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._logger = Logger(service="gatebook", json_serializer=log_json)
        self._metrics = Metrics(namespace="Gatebook", service="gatebook")
        self._metrics.set_default_dimensions(api=api)
        self._has_counted = False
        self._lines = DecisionLines(self._metrics, {"api": api, "service": "gatebook"})

    def warn_of_report_only(self) -> None:
        """Say at cold start that nothing is enforced."""
        self._logger.warning(
            "report_only", api=self._api, detail="every good token passes whatever is permitted: take `REPORT_ONLY` out to enforce"
        )

    def unauthorized(self, error: TokenError, context: object) -> None:
        """Say why a token was refused."""
        self._logger.info("unauthorized", api=self._api, reason=error.reason, detail=str(error), request_id=_request_id(context))
        self._count(Metric.UNAUTHORIZED)

    def trouble(self, error: Exception, context: object) -> None:
        """Say what went wrong on our side, with its trace."""
        reason = getattr(error, "reason", type(error).__name__)
        self._logger.error("trouble", api=self._api, reason=reason, request_id=_request_id(context), exc_info=error)
        self._count(Metric.TROUBLE)

    def decided(self, request: AuthorizationRequest, outcome: Outcome, context: object, *, stale_keys: bool) -> Line:
        """Write the decision line, count the decision, and return the line."""
        line = _decision_line(self._api, request, outcome) | {"stale_keys": stale_keys, "request_id": _request_id(context)}
        allowed, overridden = outcome.decision.allowed, outcome.report_only_override
        counted = [Metric.ALLOWED.value if allowed else Metric.WOULD_BE_DENIED.value if overridden else Metric.DENIED.value]
        if outcome.scope_fallback:
            counted.append(Metric.NEEDS_NARROWER_SCOPE.value)
        if outcome.decision.reason is Unroutable.CATALOGUE_DRIFT and request.method_arn.stage not in CONSOLE_TEST_STAGES:
            counted.append(Metric.CATALOGUE_DRIFT.value)
        level = logging.WARNING if overridden else logging.INFO
        if self._logger.log_level <= level:
            message = "report_only: let pass what would be denied" if overridden else "decision"
            self._lines.write(logging.getLevelName(level), message, line, tuple(counted))
        else:
            self._lines.count(tuple(counted))
        # These have the names of fields, and the fields keep them: they are told in a line of their own.
        if outcome.loaded.stale:
            self._count(Metric.STALE)
        if stale_keys:
            self._count(Metric.STALE_KEYS)
        return line

    def compared(self, line: Line, live: Decision, judgement: Judgement) -> None:
        """Say where the candidate in the shadow differs from what was decided."""
        candidate = judgement.decision
        if candidate is None:
            self._count(Metric.SHADOW_TROUBLE if judgement.trouble else Metric.SHADOW_SKIPPED)
            if judgement.trouble:
                self._logger.warning("shadow_trouble", api=line["api"], reason=judgement.trouble, request_id=line["request_id"])
            return
        self._count(Metric.SHADOW_JUDGED)
        if candidate.allowed != live.allowed:
            self._count(Metric.SHADOW_DIFFERENCE)
            told = {
                "candidate_effect": candidate.effect.value,
                "candidate_reason": candidate.reason.value,
                "candidate_determining": [permission.id for permission in candidate.determining],
                "candidate_version": judgement.version,
            }
            self._logger.info("shadow_difference", **line | told)

    def flush(self) -> None:
        """Write the metrics of the request that no line has told."""
        if self._has_counted:
            self._has_counted = False
            self._metrics.flush_metrics()

    def _count(self, metric: Metric) -> None:
        self._has_counted = True
        self._metrics.add_metric(metric.value, MetricUnit.Count, 1)


def _decision_line(api: str, request: AuthorizationRequest, outcome: Outcome) -> Line:
    decision = outcome.decision
    return {
        "api": api,
        "subject": outcome.principal.subject,
        "method_arn": str(request.method_arn),
        "format": request.format,
        "effect": decision.effect.value,
        "reason": decision.reason.value,
        "route": str(decision.route) if decision.route else None,
        "determining": [permission.id for permission in decision.determining],
        "scope": outcome.scope.value,
        "narrowed": outcome.scope_fallback,
        "narrowed_detail": outcome.scope_fallback_detail,
        "version": outcome.loaded.version,
        "cached": outcome.loaded.cached,
        "stale": outcome.loaded.stale,
    }


def _request_id(context: object) -> str:
    return str(getattr(context, "aws_request_id", ""))

"""Builds the authorizer from its settings: the only place that knows all the parts."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from authorizer import events
from authorizer.authorize import AnswerOptions, Authorizer, Outcome, decide_anew
from authorizer.errors import TokenError
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.decision import Decision
from authorizer.policy.request_path import Unroutable
from authorizer.settings import Settings
from authorizer.shadow import Judgement, Shadow
from authorizer.table.cache import PermissionCache
from authorizer.table.reader import PermissionTable
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.tokens.verifier import TokenVerifier

Handler = Callable[[Mapping[str, Any], object], events.Response]


class UnauthorizedError(Exception):
    """Makes API Gateway answer 401: the message is exactly the word that it looks for ("Use API Gateway Lambda authorizers", developer guide)."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def build_authorizer(settings: Settings, table: PermissionTable, now: Callable[[], float] = time.time) -> Authorizer:
    """An authorizer with empty caches."""
    key_sets = {
        issuer.issuer: KeySet(
            issuer.jwks_uri,
            fetch=fetch_jwks,
            now=now,
            max_age=settings.jwks_max_age_seconds,
            max_stale=settings.jwks_max_stale_seconds,
        )
        for issuer in settings.issuers
    }
    return Authorizer(
        TokenVerifier(settings.issuers, key_sets, now),
        _permissions(settings, table, settings.api, now),
        AnswerOptions(
            scope=settings.cache_scope,
            token_scope_guards=settings.token_scope_guards,
            expiry_conditions=settings.expiry_conditions,
            simple_responses=settings.simple_responses,
            nothing_cached=settings.gateway_ttl == 0,
            username=settings.context_username,
            usage_key=settings.usage_key,
            report_only=settings.report_only,
        ),
        now=now,
    )


def build_shadow(settings: Settings, table: PermissionTable, now: Callable[[], float] = time.time) -> Shadow | None:
    """The judge of the candidate document, if there is a candidate."""
    if not settings.shadow_api:
        return None
    # A pause even where the table is asked at each request: every failure may cost a timeout.
    rest = max(settings.policy_refresh_seconds, 1)
    return Shadow(_permissions(settings, table, settings.shadow_api, now), now=now, rest_seconds=rest)


def _permissions(settings: Settings, table: PermissionTable, api: str, now: Callable[[], float]) -> PermissionCache:
    return PermissionCache(
        table, api, now=now, refresh_seconds=settings.policy_refresh_seconds, max_stale_seconds=settings.policy_max_stale_seconds
    )


def build_handler(settings: Settings, now: Callable[[], float] = time.time) -> Handler:
    """The Lambda handler: reads the event, authorizes, writes the answer, and leaves one log line and its metrics."""
    table = PermissionTable(settings.table)
    authorizer = build_authorizer(settings, table, now)
    shadow = build_shadow(settings, table, now)
    logger = Logger(service="gatebook")
    metrics = Metrics(namespace="Gatebook", service="gatebook")
    metrics.set_default_dimensions(api=settings.api)
    if settings.report_only:
        logger.warning(
            "report_only", api=settings.api, detail="every good token passes whatever is permitted: take `REPORT_ONLY` out to enforce"
        )

    def handler(event: Mapping[str, Any], context: object) -> events.Response:
        try:
            request = events.read_request(event)
            outcome = authorizer.authorize(request)
            response = events.write_response(request, outcome.answer)
        except TokenError as error:
            logger.info("unauthorized", api=settings.api, reason=error.reason, detail=str(error), request_id=_request_id(context))
            metrics.add_metric("unauthorized", MetricUnit.Count, 1)
            raise UnauthorizedError from None
        except Exception as error:
            # Whatever it is, it ends as 500, which API Gateway does not cache. It never becomes an answer.
            reason = getattr(error, "reason", type(error).__name__)
            logger.exception("trouble", api=settings.api, reason=reason, request_id=_request_id(context))
            metrics.add_metric("trouble", MetricUnit.Count, 1)
            raise
        else:
            stale_keys = authorizer.has_stale_keys(outcome.principal)
            line = _decision_line(settings, request, outcome) | {"stale_keys": stale_keys, "request_id": _request_id(context)}
            if outcome.let_pass:
                logger.warning("report_only: let pass what would be denied", **line)
            else:
                logger.info("decision", **line)
            _count(metrics, outcome)
            if stale_keys:
                metrics.add_metric("stale_keys", MetricUnit.Count, 1)
            if shadow is not None:
                judgement = shadow.judge(outcome.principal.refs, lambda loaded: decide_anew(request, outcome, loaded, now()))
                _compare(logger, metrics, line, outcome.decision, judgement)
            return response
        finally:
            metrics.flush_metrics()

    return handler


def _decision_line(settings: Settings, request: AuthorizationRequest, outcome: Outcome) -> dict[str, Any]:
    decision = outcome.decision
    return {
        "api": settings.api,
        "subject": outcome.principal.subject,
        "method_arn": str(request.method_arn),
        "format": request.format,
        "effect": decision.effect.value,
        "reason": decision.reason.value,
        "route": str(decision.route) if decision.route else None,
        "determining": [permission.id for permission in decision.determining],
        "scope": outcome.scope.value,
        "narrowed": outcome.narrowed,
        "narrowed_detail": outcome.narrowed_detail,
        "version": outcome.loaded.version,
        "cached": outcome.loaded.cached,
        "stale": outcome.loaded.stale,
    }


def _compare(logger: Logger, metrics: Metrics, line: dict[str, Any], live: Decision, judgement: Judgement) -> None:
    """Says where the candidate differs from what was decided."""
    candidate = judgement.decision
    if candidate is None:
        metrics.add_metric("shadow_trouble" if judgement.trouble else "shadow_skipped", MetricUnit.Count, 1)
        if judgement.trouble:
            logger.warning("shadow_trouble", api=line["api"], reason=judgement.trouble, request_id=line["request_id"])
        return
    metrics.add_metric("shadow_judged", MetricUnit.Count, 1)
    if candidate.allowed != live.allowed:
        metrics.add_metric("shadow_difference", MetricUnit.Count, 1)
        line = line | {
            "candidate_effect": candidate.effect.value,
            "candidate_reason": candidate.reason.value,
            "candidate_determining": [permission.id for permission in candidate.determining],
            "candidate_version": judgement.version,
        }
        logger.info("shadow_difference", **line)


def _count(metrics: Metrics, outcome: Outcome) -> None:
    metrics.add_metric("allowed" if outcome.decision.allowed else "would_be_denied" if outcome.let_pass else "denied", MetricUnit.Count, 1)
    if outcome.loaded.stale:
        metrics.add_metric("stale", MetricUnit.Count, 1)
    if outcome.narrowed:
        metrics.add_metric("needs_narrower_scope", MetricUnit.Count, 1)
    if outcome.decision.reason is Unroutable.CATALOGUE_DRIFT:
        metrics.add_metric("catalogue_drift", MetricUnit.Count, 1)


def _request_id(context: object) -> str:
    return str(getattr(context, "aws_request_id", ""))

"""Builds the authorizer from its settings: the only place that knows all the parts."""

import time
from collections.abc import Callable
from functools import partial

from authorizer.answering import AnswerOptions
from authorizer.authorities import aws_authorities
from authorizer.authorize import Authorizer
from authorizer.request_log import RequestLog
from authorizer.request_loop import Handler, request_loop
from authorizer.settings import Settings, function_name, reaches_aws_itself
from authorizer.shadow import Shadow
from authorizer.table.cache import PermissionCache
from authorizer.table.reader import PermissionTable
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.tokens.verifier import TokenVerifier
from authorizer.unauthorized import unauthorized_answer


def build_authorizer(
    settings: Settings,
    table: PermissionTable,
    now: Callable[[], float] = time.time,
    authorities: str | None = None,
    on_fetch: Callable[[bool], None] = lambda _succeeded: None,
) -> Authorizer:
    """Return an authorizer with empty caches. `authorities` is a file with those that vouch for Cognito, None for those that the system trusts.

    `on_fetch` is told of each fetch of an issuer's keys whether it succeeded.
    """
    key_sets = {
        issuer.issuer: KeySet(
            issuer.jwks_uri,
            fetch=partial(fetch_jwks, aws_authorities=authorities) if authorities else fetch_jwks,
            now=now,
            algorithms=issuer.algorithms,
            max_age=settings.jwks_max_age_seconds,
            max_stale=settings.jwks_max_stale_seconds,
            on_fetch=on_fetch,
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
    """Return the judge of the candidate document, if there is a candidate."""
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
    """Return the Lambda handler on the table that the settings name."""
    authorities = aws_authorities() if reaches_aws_itself() else None
    table = PermissionTable(settings.table, aws_authorities=authorities)
    log = RequestLog(settings.api, function_name(), allowed_share=settings.log_allowed)
    if settings.report_only:
        log.warn_of_report_only()
    authorizer = build_authorizer(settings, table, now, authorities, lambda succeeded: log.key_fetch(succeeded=succeeded))
    refuse = partial(unauthorized_answer, simple_responses=settings.simple_responses, nothing_cached=settings.gateway_ttl == 0)
    return request_loop(
        authorizer,
        build_shadow(settings, table, now),
        log,
        now,
        places=settings.token_from,
        refuse=refuse if settings.deny_unauthorized else None,
    )

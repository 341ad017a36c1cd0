"""Who calls: the caller that an authorizer verified before the request came here."""

from collections.abc import Mapping
from typing import Any

from admin_api.publishing.lockout import Actor
from admin_api.rest.problems import UNAUTHENTICATED, ProblemError
from authorizer.caller import NoCallerError, read_names
from authorizer.policy.denylist import DenylistKind, TokenIds
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

PUBLIC_PATHS = frozenset({"/v1/openapi.json"})
"""Paths that hold no data and ask for no caller."""


def actor_of(event: Mapping[str, Any]) -> Actor:
    """Who calls, by the context that the authorizer gave to API Gateway. Raises `ProblemError` without one: then no authorizer stood before.

    Nothing of it is taken from headers, query or body.
    """
    context: Any = (event.get("requestContext") or {}).get("authorizer")
    if isinstance(context, Mapping) and any(f"{name}_omitted" in context for name in ("groups", "scopes", "consent")):
        raise ProblemError(
            UNAUTHENTICATED,
            "the caller is in more groups than the authorizer's context holds: sign in as somebody in fewer",
            headers={"WWW-Authenticate": "Bearer"},
        )
    try:
        subject, groups, version = context["principalId"], read_names(context["groups"]), int(context["version"])
        scopes = read_names(context["scopes"]) if "scopes" in context else None
        consented = read_names(context.get("consent", ""))
        client_id = context["client_id"]
    except (TypeError, KeyError, ValueError, NoCallerError):
        subject, groups, scopes, consented, client_id, version = "", (), None, (), None, 0
    if not isinstance(subject, str) or not subject or version < 1 or not isinstance(client_id, str):
        raise ProblemError(
            UNAUTHENTICATED,
            "the request came without a caller that an authorizer verified: attach the authorizer to this route",
            headers={"WWW-Authenticate": "Bearer"},
        )
    refs = [EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in groups)]
    consent: tuple[PrincipalRef, ...] = ()
    if scopes is not None:
        # Of some issuers a machine's subject is not its client.
        refs += [PrincipalRef(RefKind.CLIENT, client_id or subject), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes)]
    elif client_id:
        consent = (PrincipalRef(RefKind.CLIENT, client_id), *(PrincipalRef(RefKind.SCOPE, name) for name in consented))
    values = {DenylistKind.SUB: subject} | ({DenylistKind.CLIENT_ID: client_id} if client_id else {})
    # When the caller signed in is not told, so an entry with `issued_before` counts as one that would refuse.
    return Actor(subject, tuple(refs), TokenIds(values, None), consent)

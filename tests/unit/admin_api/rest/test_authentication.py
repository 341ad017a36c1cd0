"""Who the caller is by the authorizer's context: the refs that the authorizer gave, so that the lock-out guard judges by the same."""

import pytest

from admin_api.rest.authentication import actor_of
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

CONTEXT = {"principalId": "u1", "groups": "guest", "client_id": "web", "version": "1", "route": "GET /v1/apis"}


def client(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.CLIENT, name)


def scope(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.SCOPE, name)


ACTORS: list[tuple[dict[str, str], tuple[PrincipalRef, ...], tuple[PrincipalRef, ...]]] = [
    ({}, (EVERYONE, PrincipalRef(RefKind.GROUP, "guest")), (client("web"),)),
    ({"consent": "openid,a%2Fb"}, (EVERYONE, PrincipalRef(RefKind.GROUP, "guest")), (client("web"), scope("openid"), scope("a/b"))),
    ({"principalId": "job", "groups": "", "client_id": "job", "scopes": "s"}, (EVERYONE, client("job"), scope("s")), ()),
    # Auth0 writes another subject for a machine than its client's id.
    (
        {"principalId": "auth0:abc@clients", "groups": "", "client_id": "auth0:abc", "scopes": "auth0%3As"},
        (EVERYONE, client("auth0:abc"), scope("auth0:s")),
        (),
    ),
    ({"principalId": "job", "groups": "", "client_id": "", "scopes": ""}, (EVERYONE, client("job")), ()),
]


@pytest.mark.parametrize(("changes", "refs", "consent"), ACTORS)
def test_an_actor_holds_what_the_authorizer_gave(
    changes: dict[str, str], refs: tuple[PrincipalRef, ...], consent: tuple[PrincipalRef, ...]
) -> None:
    actor = actor_of({"requestContext": {"authorizer": CONTEXT | changes}})
    assert (actor.refs, actor.consent) == (refs, consent)

"""A deployed API with all that guards it, as plain values: what the checks judge. `aws_reader` reads it.

What could not be read is None, and stands in `Deployment.unread` with the permission that is missing: a check that needs it finds nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from admin_api.analysis.found_routes import FoundRoutes
from authorizer.policy.document import PermissionDocument


class Gateway(StrEnum):
    """The kinds of API Gateway APIs."""

    REST = "rest"
    HTTP = "http"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True)
class GatewayAuthorizer:
    """A Lambda authorizer of the API. `ttl` is in seconds, 0 for none; `sources` are the identity sources as the gateway writes them.

    `kind` is `TOKEN` or `REQUEST`. `role` is the ARN of the role by which the gateway invokes the function, `""` where the function's own policy says it.
    `payload` is `1.0` or `2.0` of an HTTP API, else `""`. `arn` is the authorizer's own, under which a function's policy lets it in:
    `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/authorizers/z9y8x7`.
    """

    id: str
    name: str
    kind: str
    ttl: int
    sources: tuple[str, ...]
    function: str
    role: str
    payload: str
    simple_responses: bool
    arn: str


@dataclass(frozen=True, slots=True)
class Function:
    """The authorizer's function. `policy` is its resource policy, None for none; `timeout` is in seconds, `memory` in MB.

    Where the policy could not be read, `policy_is_known` is False: nobody can say then whom it lets in.
    """

    arn: str
    name: str
    timeout: int
    memory: int
    runtime: str
    environment: Mapping[str, str]
    role: str
    policy: Mapping[str, Any] | None
    policy_is_known: bool = True


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """One policy of the function's role, inline or attached, by its name."""

    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefusalResponse:
    """What the gateway sends with one of its own refusals, such as `UNAUTHORIZED`. `headers` are by their parameter's name in lower case, such as
    `gatewayresponse.header.access-control-allow-origin`, and a fixed value stands in single quotes: `'*'`."""

    type: str
    status: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The permission table's own settings, and its ARN. `expiry_attribute` is the TTL attribute, `""` for none."""

    name: str
    arn: str
    expiry_attribute: str
    point_in_time_recovery: bool
    deletion_protection: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What the table holds for the authorizer's API. `damage` names what its history does not bear out."""

    document: PermissionDocument
    version: int
    damage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppClient:
    """An app client whose tokens count. `writable` are the attributes that its users may write, None where Cognito tells none: all standard ones."""

    id: str
    writable: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class UserPool:
    """A pool whose tokens count. `fixed` are attributes that nobody changes once the user is made; `self_sign_up` whether anybody may register.

    `issuers` are the names under which the authorizer trusts it, `""` for one's own pool.
    """

    id: str
    clients: tuple[AppClient, ...]
    fixed: frozenset[str]
    self_sign_up: bool
    issuers: frozenset[str] = frozenset({""})


@dataclass(frozen=True, slots=True)
class KeySet:
    """What asking for an issuer's keys gave: `problem` is `""` where it holds a key that the authorizer may use."""

    issuer: str
    url: str
    problem: str


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read. `needs` is the permission, such as `lambda:GetPolicy`, or what else would help."""

    what: str
    reason: str
    needs: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stage of an API, its Lambda authorizer and what that reads.

    `routes` is the deployed stage's list; those of another Lambda authorizer have `Guard.OTHER`. `authorizer` is the one that is meant. `resource_policy` is a
    REST API's, None for none. `refusals` are a REST API's gateway responses that were changed, by type. `cors` is an HTTP API's `CorsConfiguration`, None for
    none. `arn` is the stage's, without its routes: `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod`. `parameters` are those of Systems Manager
    that the settings name, None where one could not be read. `key_sets` are one for each issuer that is trusted, none where the settings cannot be used.
    `read_at` is when all this was read, in seconds since 1970.
    """

    api_id: str
    name: str
    gateway: Gateway
    stage: str
    arn: str
    routes: FoundRoutes
    authorizer: GatewayAuthorizer
    resource_policy: Mapping[str, Any] | None = None
    refusals: Mapping[str, RefusalResponse] | None = None
    cors: Mapping[str, Any] | None = None
    function: Function | None = None
    role_policies: tuple[RolePolicy, ...] | None = None
    parameters: Mapping[str, str] | None = None
    table: Table | None = None
    published: Published | None = None
    pools: tuple[UserPool, ...] = ()
    key_sets: tuple[KeySet, ...] | None = None
    unread: tuple[Unread, ...] = ()
    read_at: float = 0.0

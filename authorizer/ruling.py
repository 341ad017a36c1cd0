"""What a request comes to, before anybody is told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from authorizer.log_json import log_json
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.decision import Decision
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.statement import PolicyDocument


@dataclass(frozen=True)
class Ruling:
    """The decision on a request and the policy that says so, the same for everybody with the same permissions and claims who asks the same.

    `scope` is what the policy speaks of. `scope_fallback` says why that is less than what is configured: `greedy_route` if the gateway's route takes in
    several routes of the catalogue, `binding` if a bound parameter cannot be held to its place, the reason of a `Refusal` to speak of all the caller's
    routes, or `http_routing` for any such answer to an HTTP API, and `not_keyed` if the event shows that the gateway's cache key does not hold what
    the answer depends on; `scope_fallback_detail` explains it. `report_only_override` tells that report-only mode allows what was decided to be denied.
    `is_authorized` is set where the answer shall be that one word. `context` is what the backend is told of it.

    A ruling may be given many times: what it takes to write it is found out once.
    """

    format: str
    method_arn: MethodArn
    decision: Decision
    policy: PolicyDocument
    scope: CacheScope
    scope_fallback: str | None = None
    scope_fallback_detail: str | None = None
    report_only_override: bool = False
    is_authorized: bool | None = None
    context: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def policy_bytes(self) -> int:
        """The size of the policy as JSON."""
        return len(json.dumps(self.policy))

    @cached_property
    def line(self) -> Mapping[str, Any]:
        """What its log line says of it. What is not known is left out."""
        decision = self.decision
        told = {
            "method_arn": str(self.method_arn),
            "format": self.format,
            "effect": decision.effect.value,
            "reason": decision.reason.value,
            "route": str(decision.route) if decision.route else None,
            "determining": [permission.id for permission in decision.determining],
            "scope": self.scope.value,
            "narrowed": self.scope_fallback,
            "narrowed_detail": self.scope_fallback_detail,
        }
        return {name: value for name, value in told.items() if value is not None}

    @cached_property
    def line_json(self) -> str:
        """The line's fields as JSON, without the braces around them."""
        return log_json(self.line)[1:-1]

    @cached_property
    def metric_json(self) -> str:
        """Those of the line's fields by which its metrics are told apart, as JSON without the braces around them: of a plain allow none."""
        names = ([] if self.decision.allowed else ["reason"]) + (["narrowed"] if self.scope_fallback else [])
        return log_json({name: self.line[name] for name in names})[1:-1]

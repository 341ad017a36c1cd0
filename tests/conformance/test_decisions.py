"""Decisions: what each request of a vector is answered, why, and by which permissions.

A request of a vector may have its own `claims` and `now`, and `http: true` if it comes to an HTTP API. `told` is the gateway's template, none where it is
left out; `route` and `only_requested` are checked where they are given.
"""

import pytest

from authorizer.policy.decision import decide
from authorizer.policy.request_path import resolve
from tests.conformance.vectors import grounds, names, read


@pytest.mark.parametrize("name", names("decisions"))
def test_decision(name: str) -> None:
    vector = read("decisions", name)
    for_all = grounds(vector)
    for request in vector["requests"]:
        here = for_all._replace(claims=request.get("claims", for_all.claims), now=request.get("now", for_all.now))
        reading = {"exact": request.get("exact", False), "http": request.get("http", False)}
        target = resolve(here.catalog, request["verb"], request["path"], request.get("told"), **reading)
        decision = decide(here, target)
        determining = [permission.id for permission in decision.determining]
        assert (decision.effect, decision.reason, determining) == (request["effect"], request["reason"], request.get("determining", [])), (
            request
        )
        assert decision.allowed is (request["effect"] == "allow")
        if "route" in request:
            assert str(decision.route) == request["route"], request
        if "only_requested" in request:
            assert target.only_requested is request["only_requested"], request

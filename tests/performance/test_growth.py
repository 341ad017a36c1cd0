"""How work grows with what it is about. Steps are counted, lines that Python runs, so that no test here depends on how fast or how busy a machine is."""

import json
import time
from typing import Any

import pytest

from authorizer.errors import TroubleError
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions, PermissionIndex
from authorizer.policy.problems import DocumentError
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteCatalog, parse_route
from authorizer.tokens.jwks import read_keys
from tests.support.steps import steps

LINEAR = 1.3
"""How much more than its share a larger input may cost: something is left for what grows with the logarithm."""


def routes_of(count: int) -> list[str]:
    """Routes of an API of services with resources, as real ones are laid out."""
    verbs = ("GET", "POST", "PUT", "DELETE")
    return [f"{verbs[n % 4]} /service{n // 40}/resource{n // 4}/{{id}}" for n in range(count)]


def document_of(count: int, **more: Any) -> dict[str, Any]:
    """A document with so many routes, and for each of them some permissions of each kind."""
    routes = routes_of(count)
    bound = [{"route": route, "where": {"id": "sub"}} for route in routes]
    services = [f"* /service{n}/**" for n in range(count // 40)]
    groups = {"all": {"allow": routes}, "own": {"allow": bound}, "services": {"allow": services, "deny": routes[:1]}}
    tails = [f"GET /service{n}/{{rest+}}" for n in range(count // 40)]
    return {"api": "grown", "routes": [*routes, *tails], "groups": groups, **more}


@pytest.mark.parametrize("enforced", [[], ["request"], ["token"]])
def test_reading_a_document_grows_with_its_length(enforced: list[str]) -> None:
    small, large = (document_of(count, enforced=enforced) for count in (160, 640))
    assert steps(lambda: parse_document(large)) < 4 * LINEAR * steps(lambda: parse_document(small))


def test_judging_greedy_routes_grows_with_the_catalogue() -> None:
    def mistakes(count: int) -> int:
        document = document_of(count, enforced=["route"])

        def refused() -> None:
            with pytest.raises(DocumentError, match="enforced"):
                parse_document(document)

        return steps(refused)

    assert mistakes(640) < 4 * LINEAR * mistakes(160)


@pytest.mark.parametrize("verb", ["GET", "PATCH", "MADEUP"])
@pytest.mark.parametrize("http", [False, True])
def test_a_request_on_a_greedy_route_costs_the_same_in_a_catalogue_of_any_size(verb: str, *, http: bool) -> None:
    def request(count: int) -> int:
        catalog = RouteCatalog([*map(parse_route, routes_of(count)), parse_route("ANY /{proxy+}")])

        def ask() -> object:
            return resolve(catalog, verb, "service1/resource12/7/", "/{proxy+}", exact=False, http=http)

        ask()
        return steps(ask)

    assert request(1600) < 1.5 * request(40)


def test_a_path_that_may_have_been_decoded_is_not_held_against_each_route() -> None:
    def request(count: int) -> int:
        catalog = RouteCatalog(map(parse_route, routes_of(count)))
        return steps(lambda: list(catalog.match_decoded("GET", ("service1", "resource12", "7", "8"))))

    assert request(1600) < 1.5 * request(160)


def test_reading_a_key_set_grows_with_its_length() -> None:
    # What is counted here is C's: a search through 40,000 names for each of them would take a quarter of a minute.
    entry = {"kty": "RSA", "n": "", "e": ""}
    document = json.dumps({"keys": [entry | {"kid": str(n // 2)} for n in range(40_000)]}).encode()
    started = time.process_time()
    with pytest.raises(TroubleError, match="no RSA key"):
        read_keys(document)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
def test_a_decision_costs_the_same_however_many_permissions_the_caller_holds(verb: str) -> None:
    def decided(count: int) -> tuple[int, int]:
        routes = routes_of(count)
        catalog = RouteCatalog(map(parse_route, routes))
        held = [*(Permission(EVERYONE, Effect.ALLOW, route) for route in routes), Permission(EVERYONE, Effect.DENY, "DELETE /service0/**")]
        target = resolve(catalog, verb, "service0/resource0/7", None, exact=True)
        index = PermissionIndex(tuple(held))
        index.matching(verb, catalog.routes[0])

        def decide_anew() -> object:
            return decide(Grounds(CallerPermissions([index]), catalog, {}, 0), target)

        grounds = Grounds(CallerPermissions([index]), catalog, {}, 0)
        decide(grounds, target)
        return steps(decide_anew), steps(lambda: decide(grounds, target))

    for small, large in zip(decided(40), decided(10_000), strict=True):
        assert large < 1.5 * small


def test_an_index_is_made_by_the_length_of_the_permissions() -> None:
    def made(count: int) -> int:
        held = tuple(Permission(EVERYONE, Effect.ALLOW, route) for route in routes_of(count))
        route = parse_route("GET /service0/resource0/{id}")
        return steps(lambda: PermissionIndex(held).matching("GET", route))

    assert made(4000) < 4 * LINEAR * made(1000)

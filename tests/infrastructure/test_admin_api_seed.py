"""The seeds' `gatebook-admin` document: its catalogue is the admin API's list of routes, and its groups hold what their names say."""

import time
from pathlib import Path

import pytest

from admin_api.analysis.access import what_can
from admin_api.documents.files import read_file
from admin_api.publishing.lockout import ADMIN_API, Actor, check_lock_out, check_own_routes
from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.rest.authentication import PUBLIC_PATHS
from admin_api.rest.console import PATH
from authorizer.policy.denylist import Denylist, DenylistKind, TokenIds
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from authorizer.table.reader import PermissionTable
from infra.local.users import GROUPS
from tests.conftest import REGION
from tests.infrastructure.templates import BASE, methods

SEEDS = {
    path.stem: path for path in sorted((Path(__file__).parents[2] / "seed_data").glob("*.yaml")) if not path.name.endswith(".test.yaml")
}
OWN, ONE = f"/v1/apis/{ADMIN_API}", "/v1/apis/petstore"
AUTHZEN = {"POST /access/v1/evaluation", "POST /access/v1/evaluations"}


def admin_document(stage: str) -> PermissionDocument:
    (document,) = [d for d in (file.parse() for file in read_file(SEEDS[stage])) if d.api == ADMIN_API]
    return document


def described() -> set[str]:
    paths = AdminApi(PermissionService(PermissionTable("none", REGION), time.time), now=time.time, flush=lambda _: ()).openapi()["paths"]
    return {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}


def routes(document: PermissionDocument, *, public: bool) -> set[str]:
    return {str(route) for route in document.catalog.routes if route.public is public}


def may(document: PermissionDocument, group: str) -> set[str]:
    return {f"{access.verb} {access.route.path}" for access in what_can(document, PrincipalRef(RefKind.GROUP, group), time.time())}


def test_there_is_a_seed_for_each_stage() -> None:
    assert set(SEEDS) == {"dev", "staging", "prod"}


@pytest.mark.parametrize("stage", SEEDS)
def test_the_catalogue_is_the_admin_apis_list_of_routes(stage: str) -> None:
    document, expected = admin_document(stage), described()
    if stage == "dev":
        expected |= {route.replace(OWN, ONE) for route in expected if OWN in route}
    assert routes(document, public=False) == expected
    assert routes(document, public=True) == {f"GET {path}" for path in (*PUBLIC_PATHS, PATH, f"{PATH}/{{proxy+}}")}
    assert document.enforced == ("request",)


@pytest.mark.parametrize("stage", SEEDS)
def test_the_gateway_lets_every_route_through_to_its_own_place_in_the_catalogue(stage: str) -> None:
    # The gateway's routes are greedy: what they take in is told apart by the catalogue alone.
    document, deployed = admin_document(stage), {route for route in methods(BASE, "AdminApi") if not route.startswith("OPTIONS ")}
    for route in document.catalog.routes:
        if not route.public:
            told = f"/{'access/v1' if route.path.startswith('/access/') else 'v1'}/{{proxy+}}"
            assert f"{route.method} {told}" in deployed
            path = route.path[1:].replace("{", "").replace("}", "")
            target = resolve(document.catalog, route.method, path, told, exact=True)
            assert (target.problem, target.route, target.only_requested) == (None, route, True)


@pytest.mark.parametrize("stage", SEEDS)
def test_admins_may_do_everything_and_auditors_read_everything(stage: str) -> None:
    document = admin_document(stage)
    guarded = routes(document, public=False)
    questions = {route for route in guarded if route.startswith("POST ") and route.endswith("/explain")} | AUTHZEN
    assert may(document, "gatebook-admins") >= guarded
    assert may(document, "gatebook-auditors") & guarded == {route for route in guarded if route.startswith("GET ")} | questions
    assert not document.permissions(EVERYONE)


def test_the_admin_of_one_api_may_do_everything_with_that_one_and_nothing_else() -> None:
    document = admin_document("dev")
    assert may(document, "petstore-admins") == {route for route in routes(document, public=False) if route.split(" ")[1].startswith(ONE)}
    assert {str(ref) for ref in document.subjects} == {"group/gatebook-admins", "group/gatebook-auditors", "group/petstore-admins"}
    assert GROUPS["petadmin"] == ["petstore-admins"]


@pytest.mark.parametrize("stage", SEEDS)
def test_the_seeded_admins_could_mend_any_mistake(stage: str) -> None:
    refs = (EVERYONE, PrincipalRef(RefKind.GROUP, "gatebook-admins"))
    check_own_routes(admin_document(stage))
    check_lock_out(admin_document(stage), Denylist(), Actor("u1", refs, TokenIds({DenylistKind.SUB: "u1"}, None)), time.time())

"""The admin API's own permissions are granted apart: no route for any `{api}` may reach them."""

import pytest

from admin_api.publishing.lockout import check_own_routes
from authorizer.policy.problems import DocumentError
from tests.support.tables import document

APART = ["GET /v1/apis", "PUT /v1/apis/{api}/document", "PUT /v1/apis/gatebook-admin/document", "POST /access/v1/evaluation"]


def problems(routes: list[str], api: str = "gatebook-admin") -> list[str]:
    try:
        check_own_routes(document({"api": api, "routes": routes}))
    except DocumentError as error:
        return [problem.message for problem in error.problems]
    return []


def test_literal_routes_beside_those_for_any_api_are_apart() -> None:
    assert problems(APART) == []
    assert problems([*APART, "ANY /v1/apis/{api}", "ANY /v1/apis/gatebook-admin"]) == []
    assert problems([*APART, "GET /v1/apis/petstore/document"]) == []


@pytest.mark.parametrize(
    ("route", "remedy"),
    [
        ("PATCH /v1/apis/{api}/document", "add `PATCH /v1/apis/gatebook-admin/document`"),
        ("GET /v1/apis/{name}", "add `GET /v1/apis/gatebook-admin`"),
        ("GET /v1/apis/{api}/versions/{n}", "add `GET /v1/apis/gatebook-admin/versions/{n}`"),
        ("GET /v1/{kind}/{api}/document", "add `GET /v1/apis/gatebook-admin/document`"),
        ("PUT /v1/apis/{rest+}", "take it out, and name the routes below `/v1/apis` one by one"),
        ("PUT /{rest+}", "take it out, and name the routes below `/v1/apis` one by one"),
    ],
)
def test_a_literal_that_is_missing_would_let_editors_of_other_apis_in(route: str, remedy: str) -> None:
    [problem] = problems([*APART, route])
    assert f"`{route}` would also serve `gatebook-admin`" in problem
    assert problem.endswith(remedy)


def test_a_verb_of_any_without_a_literal_of_its_own_is_found() -> None:
    found = problems([*APART, "ANY /v1/apis/{api}/routes", "GET /v1/apis/gatebook-admin/routes"])
    assert len(found) == 6
    assert not any("`GET " in problem for problem in found)


def test_other_apis_may_have_what_routes_they_like() -> None:
    assert problems(["PUT /v1/apis/{api}/document"], "petstore") == []

"""Which path a request is for, whatever domain it came to: the shapes of "Choosing an API mapping" and of REST proxy events (developer guide)."""

from typing import Any

import pytest

from admin_api.rest.request_path import requested_path

V1, ACCESS = "/v1/{proxy+}", "/access/v1/{proxy+}"

# The event's path, the gateway's resource, what its parameter holds, and the path that routes are looked up by.
CASES: list[tuple[str, str | None, str | None, str]] = [
    ("/v1/apis", V1, "apis", "/v1/apis"),
    ("/admin/v1/apis", V1, "apis", "/v1/apis"),
    ("/teams/pets/v1/apis/x/document", V1, "apis/x/document", "/v1/apis/x/document"),
    # A base path that reads like the beginning of the routes, and one that reads like all of it.
    ("/v1/v1/apis", V1, "apis", "/v1/apis"),
    ("/v1/apis/v1/apis", V1, "apis", "/v1/apis"),
    ("/v1/v1/v1", V1, "v1", "/v1/v1"),
    ("/admin/access/v1/evaluation", ACCESS, "evaluation", "/access/v1/evaluation"),
    ("/admin/v1/openapi.json", "/v1/openapi.json", None, "/v1/openapi.json"),
    ("/v1/openapi.json", "/v1/openapi.json", None, "/v1/openapi.json"),
    # A slash at the end is left as it is: no route has one.
    ("/admin/v1/apis/", V1, "apis", "/v1/apis/"),
    ("/admin/v1/apis/", V1, "apis/", "/v1/apis/"),
    ("/admin/v1/apis/x/denylist/sub/a%2Fb", V1, "apis/x/denylist/sub/a%2Fb", "/v1/apis/x/denylist/sub/a%2Fb"),
    ("/admin/x", "/{proxy+}", "x", "/x"),
    # What is told otherwise than a REST API does is left alone.
    ("/v1/apis/x/denylist/sub/a%2Fb", V1, "apis/x/denylist/sub/a/b", "/v1/apis/x/denylist/sub/a%2Fb"),
    ("/v1/apis", None, None, "/v1/apis"),
    ("/v1/apis", V1, None, "/v1/apis"),
    ("/other", V1, "apis", "/other"),
    ("/", "/", None, "/"),
]


@pytest.mark.parametrize(("path", "resource", "proxy", "expected"), CASES)
def test_the_base_path_of_a_custom_domain_is_no_part_of_it(path: str, resource: str | None, proxy: str | None, expected: str) -> None:
    event: dict[str, Any] = {"path": path, "resource": resource, "pathParameters": None if proxy is None else {"proxy": proxy}}
    assert requested_path(event) == expected


def test_an_event_without_a_path_is_for_the_root() -> None:
    assert requested_path({}) == "/"

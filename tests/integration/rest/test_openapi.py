"""The OpenAPI document: valid, complete, with true examples; and thousands of requests that are made from it, of which none finds an answer that it lacks."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis.strategies import DrawFn, SearchStrategy, composite, one_of
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from admin_api.publishing.service import PermissionService
from admin_api.rest import problems
from admin_api.rest.app import AdminApi
from admin_api.rest.openapi.document import describe
from admin_api.rest.openapi.meanings import MEANINGS
from tests.integration.rest.client import ADMIN, Client
from tests.integration.rest.conftest import Rest
from tests.support.tables import opened
from tests.support.wsgi import LambdaProxy

CASES = 48 if os.environ.get("CI") else 3
"""Requests for each operation: of those that fit the document, of those that do not, and of both with an API and a version that are there."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

OF_AN_API = {
    "": {"get"},
    "/document": {"get", "put", "patch"},
    "/routes": {"get", "put"},
    "/subjects": {"get"},
    "/subjects/{kind}/{name}": {"get", "put", "delete"},
    "/versions": {"get"},
    "/versions/{number}": {"get"},
    "/versions/{number}/diff": {"get"},
    "/versions/{number}/rollback": {"post"},
    "/matrix": {"get"},
    "/access": {"get"},
    "/explain": {"post"},
    "/denylist": {"get"},
    "/denylist/{kind}/{value}": {"get", "put", "delete"},
}
PATHS = {
    "/v1/apis": {"get"},
    **{f"/v1/apis/{{api}}{below}": methods for below, methods in OF_AN_API.items()},
    **{f"/v1/apis/gatebook-admin{below}": methods for below, methods in OF_AN_API.items()},
    "/v1/users": {"get"},
    "/access/v1/evaluation": {"post"},
    "/access/v1/evaluations": {"post"},
}


OWN = ["GET /v1/apis/gatebook-admin/document", "PUT /v1/apis/gatebook-admin/document"]
OWN += ["POST /v1/apis/gatebook-admin/versions/{number}/rollback"]


@pytest.fixture(scope="module", autouse=True)
def _both_kinds(shared: Rest) -> None:
    """The admin API's own document is there too, and an entry on the denylist of either."""
    admins = {"gatebook-admins": {"allow": ["* /**"]}, "guest": {}}
    shared.client.publish({"api": "gatebook-admin", "routes": OWN, "groups": admins})
    for api in ("gatebook-admin", "standing"):
        entry = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
        assert shared.client.put(f"/v1/apis/{api}/denylist/sub/u1", entry).status == 200


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """The document as it is published."""
    body: dict[str, Any] = client.call("GET", "/v1/openapi.json", as_=None).body
    return body


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each operation with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def mistakes(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value by a schema of the document."""
    whole = {"components": document["components"], "allOf": [schema]}
    return [error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)]


def test_the_document_is_valid_openapi(rest: Rest) -> None:
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", LambdaProxy(rest.client.api, None))
    assert schema.raw_schema["openapi"] == "3.1.0"
    schema.validate()


def test_every_schema_in_it_is_valid_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"\$ref": "#(/[^"]*)"', str(document).replace("'", '"')))
    assert len(references) > 30
    for reference in references:
        target: Any = document
        for step in reference.split("/")[1:]:
            target = target[step]


def test_every_component_is_used(document: dict[str, Any]) -> None:
    text = str(document)
    unused = [name for name in document["components"]["schemas"] if f"schemas/{name}'" not in text and f"schemas/{name}/" not in text]
    assert unused == []


def test_it_has_every_route_and_no_other(document: dict[str, Any]) -> None:
    assert {path: set(methods) for path, methods in document["paths"].items()} == PATHS


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) == 46
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert all(operation["summary"] and operation["tags"] for _, operation in operations(document))


def test_every_operation_says_what_it_means_for_the_admin(document: dict[str, Any]) -> None:
    """What an operation costs is for whoever works on the code, and stands there."""
    for label, operation in operations(document):
        meaning = operation.get("description", "")
        assert meaning.endswith("."), label
        assert len(meaning) > len(operation["summary"]), label
        assert not re.search(r"GetItem|PutItem|Query|transaction", meaning), label
    said = [operation["description"] for _, operation in operations(document)]
    assert len(set(said)) == len(said)


def test_no_meaning_is_left_of_an_operation_that_is_gone(document: dict[str, Any]) -> None:
    assert set(MEANINGS) == {operation["operationId"].removesuffix("_of_gatebook_admin") for _, operation in operations(document)}


def examples(content: dict[str, Any]) -> list[Any]:
    return [each["value"] for each in content.get("examples", {}).values()] + ([content["example"]] if "example" in content else [])


def test_every_answer_and_every_body_has_an_example_that_its_schema_accepts(document: dict[str, Any]) -> None:
    for label, operation in operations(document):
        bodies = [(status, answer) for status, answer in operation["responses"].items()]
        bodies += [("body", operation["requestBody"])] if "requestBody" in operation else []
        for what, described in bodies:
            assert what == "body" or described["description"], (label, what)
            for kind, content in described["content"].items():
                assert kind == ("application/problem+json" if what[0] in "45" else "application/json") or (label[:5], what) == (
                    "PATCH",
                    "body",
                )
                assert examples(content), (label, what)
                for example in examples(content):
                    assert mistakes(document, content["schema"], example) == [], (label, what, example)


def types_of(operation: dict[str, Any]) -> dict[str, int]:
    """The problem types that an operation tells of, each with the status that it is listed under."""
    found = {}
    for status, answer in operation["responses"].items():
        for name, example in answer["content"].get("application/problem+json", {}).get("examples", {}).items():
            value = example["value"]
            assert (value["type"], value["status"]) == (f"urn:gatebook:problem:{name}", int(status))
            found[name] = int(status)
    return found


ALWAYS = {"unauthenticated", "bad-request", "answer-too-large", "takes-too-long", "unavailable", "damaged", "internal"}
OF_WRITES = {"invalid-document", "change-too-large", "precondition-required", "stale-version", "body-too-large", "unsupported-media-type"}


def test_every_problem_is_told_of_where_it_can_happen(document: dict[str, Any]) -> None:
    told = {label: set(types_of(operation)) for label, operation in operations(document)}
    assert {label for label, names in told.items() if names < ALWAYS} == set()
    assert {name for names in told.values() for name in names} == {kind.name for kind in problems.ALL}
    assert told["GET /v1/apis"] == ALWAYS | {"invalid-request"}
    assert told["GET /v1/apis/{api}/document"] == ALWAYS | {"invalid-request", "not-found", "reserved-api"}
    assert told["GET /v1/apis/gatebook-admin/document"] == ALWAYS | {"invalid-request", "not-found"}
    expected = ALWAYS | OF_WRITES | {"invalid-request", "not-found"}
    assert told["PUT /v1/apis/{api}/document"] == expected | {"exists", "reserved-api"}
    assert told["PUT /v1/apis/gatebook-admin/document"] == expected | {"exists", "lock-out"}
    assert told["POST /v1/apis/{api}/versions/{number}/rollback"] == expected | {"idempotency-mismatch", "reserved-api"}
    assert told["POST /access/v1/evaluation"] == ALWAYS | {"body-too-large"}


def test_headers_that_matter_are_told_of(document: dict[str, Any]) -> None:
    written = dict(operations(document))["PUT /v1/apis/{api}/document"]
    assert set(written["responses"]) == {"200", "201", "400", "401", "403", "404", "412", "413", "415", "422", "428", "500", "503"}
    assert set(written["responses"]["201"]["headers"]) == {"ETag"}
    assert set(written["responses"]["503"]["headers"]) == {"Retry-After"}
    assert set(written["responses"]["401"]["headers"]) == {"WWW-Authenticate"}
    names = {parameter["name"].lower(): parameter["in"] for parameter in written["parameters"]}
    assert names == {"api": "path", "dry_run": "query", "reason": "query", "if-match": "header", "if-none-match": "header"}


def test_all_but_the_document_itself_asks_for_a_token(document: dict[str, Any]) -> None:
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert [label for label, operation in operations(document) if "security" in operation] == []


@composite
def _cases(draw: DrawFn, strategies: list[SearchStrategy[Any]]) -> Any:
    """One of these. What the generator set out to break may turn out to be impossible to make: then it is another."""
    try:
        return draw(one_of(*strategies))
    except InvalidSchema:
        reject()


THERE: dict[str, Any] = {"api": "standing", "kind": "groups", "name": "guest", "number": 1, "value": "u1"}


@pytest.mark.timeout(900)
def test_no_request_made_from_it_finds_an_answer_that_it_lacks(rest: Rest) -> None:
    """No 5xx, no status, type, header or body that is not documented. In one of two cases path and precondition name what is there."""
    schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", LambdaProxy(rest.client.api, ADMIN.context()))
    saved = rest.table.save()
    seen: Counter[int] = Counter()
    results: list[Any] = list(schema.get_all_operations())
    for operation in (result.ok() for result in results):
        fixed = {name: THERE[name] for name in re.findall(r"\{(\w+)\}", operation.path)}
        fixed |= {"kind": "sub"} if "denylist" in operation.path and "kind" in fixed else {}
        headers = {"if-match": "*"} if {"if-match"} & {header.name.lower() for header in operation.headers} else {}
        strategies = [
            operation.as_strategy(generation_mode=mode, **steered)
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
            for steered in ({}, {"path_parameters": fixed, "headers": headers})
        ]

        @settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            derandomize=not os.environ.get("CI"),
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=_cases(strategies))
        def probe(case: Any) -> None:
            response = case.call()
            seen[response.status_code] += 1
            case.validate_response(response, checks=CHECKS)

        probe()
        rest.table.restore(saved)
        rest.wire.take()
        saved = rest.table.save()
    assert sum(seen.values()) >= (2000 if os.environ.get("CI") else 100), seen
    assert {status // 100 for status in seen} == {2, 4}, seen
    assert seen[200] + seen[201] > sum(seen.values()) / 6, seen


def test_it_is_made_once(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(endpoints: Any) -> Any:
        made.append(1)
        return describe(endpoints)

    monkeypatch.setattr("admin_api.rest.app.describe", counted)
    service = PermissionService(opened(), rest.clock, lambda _: None)
    client = Client(AdminApi(service, now=rest.clock, flush=lambda _: (), clock=rest.clock))
    first, *others = [client.get("/v1/openapi.json", as_=None) for _ in range(3)]
    assert first.status == 200
    assert all(other == first for other in others)
    assert len(made) == 1

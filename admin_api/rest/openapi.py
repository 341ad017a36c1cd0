"""The OpenAPI 3.1 document: what Powertools makes of the routes, and what it cannot know: problems, bodies, headers, and who may call."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from admin_api.rest.models import ProblemDocument
from admin_api.rest.problems import CONTENT_TYPE, ProblemType

if TYPE_CHECKING:
    from admin_api.rest.endpoints import Endpoints, Meta

TITLE = "Gatebook admin API"
DESCRIPTION = "Change, see, explain and undo who may call which route. Every write takes the version that it starts from, and can be tried with `dry_run=true`."

_ETAG = {"description": "The version, for `If-Match`", "schema": {"type": "string"}}


def describe(endpoints: "Endpoints") -> dict[str, Any]:
    """The whole document."""
    text = endpoints.resolver.get_openapi_json_schema(title=TITLE, version="1", openapi_version="3.1.0", description=DESCRIPTION)
    document: dict[str, Any] = json.loads(text)
    document["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    document["security"] = [{"token": []}]
    schemas = document["components"]["schemas"]
    schemas |= _document_schemas()
    schemas["Problem"] = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for (method, path), meta in endpoints.described.items():
        operation = document["paths"][path.replace("<", "{").replace(">", "}")][method.lower()]
        _finish(operation, meta)
    return document


def _finish(operation: dict[str, Any], meta: "Meta") -> None:
    from admin_api.rest.endpoints import ALWAYS  # noqa: PLC0415  # endpoints describe themselves by this module

    answers = operation["responses"]
    success = answers.pop("200")
    success.setdefault("headers", {})["ETag"] = _ETAG
    operation["responses"] = {str(status): success for status in (200, *meta.also)}
    for problem in sorted({*ALWAYS, *meta.problems}, key=lambda p: (p.status, p.name)):
        _add_problem(operation["responses"], problem)
    if meta.body is not None:
        operation["requestBody"] = _body(meta.body)


def _add_problem(responses: dict[str, Any], problem: ProblemType) -> None:
    entry = responses.setdefault(
        str(problem.status.value),
        {"description": "", "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}}},
    )
    entry["description"] = "; ".join(filter(None, [entry["description"], problem.title]))
    example = {
        "type": problem.uri,
        "title": problem.title,
        "status": problem.status.value,
        "detail": "what is wrong and what to do",
        "instance": "/v1/apis/petstore",
    }
    entry["content"][CONTENT_TYPE]["examples"][problem.name] = {"value": example}


@lru_cache
def _document_schemas() -> dict[str, Any]:
    """The schema of permission documents, as its parts stand in this document."""
    text = files("authorizer.policy").joinpath("document.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text.replace('"#/$defs/', '"#/components/schemas/document.'))
    parts = {f"document.{name}": part for name, part in schema.pop("$defs").items()}
    for field in ("$schema", "$id"):
        schema.pop(field, None)
    return parts | {"PermissionDocument": schema}


def _body(kind: str) -> dict[str, Any]:
    schema, example = {
        "document": (
            {"$ref": "#/components/schemas/PermissionDocument"},
            {"api": "petstore", "routes": ["GET /pets"], "groups": {"guest": {"allow": ["GET /pets"]}}},
        ),
        "patch": ({"type": "object"}, {"groups": {"guest": {"allow": ["GET /pets"]}, "old": None}}),
        "routes": (
            {"type": "object", "required": ["routes"], "properties": {"routes": {"type": "array"}, "enforced": {"type": "array"}}},
            {"routes": ["GET /pets"]},
        ),
        "subject": ({"type": "object"}, {"inherits": [], "allow": ["GET /pets"], "deny": []}),
    }[kind]
    content = {"schema": schema, "example": example}
    types = ["application/json", "application/merge-patch+json"] if kind == "patch" else ["application/json"]
    return {"required": True, "content": dict.fromkeys(types, content)}

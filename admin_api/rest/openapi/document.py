"""The OpenAPI 3.1 document: what Powertools makes of the routes, and what it cannot know: problems, bodies, headers, and who may call."""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from admin_api.rest.endpoints import ALWAYS, OWN_PATH, OWN_SUFFIX, Endpoints, Meta
from admin_api.rest.openapi.examples import BODIES, EXAMPLES, PROBLEMS
from admin_api.rest.openapi.meanings import MEANINGS
from admin_api.rest.problems import (
    CONTENT_TYPE,
    IDEMPOTENCY_MISMATCH,
    LOCK_OUT,
    RESERVED_API,
    UNAUTHENTICATED,
    UNAVAILABLE,
    ProblemType,
)
from admin_api.schemas.models import ProblemDocument

TITLE = "Gatebook admin API"
DESCRIPTION = "Change, see, explain and undo who may call which route. Every write takes the version that it starts from, and can be tried with `dry_run=true`."

_ETAG = {"description": "The version, for `If-Match`", "schema": {"type": "string"}}
_REPLAYED = {"description": "The answer was stored when the request came first", "schema": {"const": "true"}}
_PROBLEM_HEADERS = {
    UNAVAILABLE: {"Retry-After": {"description": "Seconds", "required": True, "schema": {"type": "integer"}}},
    UNAUTHENTICATED: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
}


def describe(endpoints: Endpoints) -> dict[str, Any]:
    """Return the whole document."""
    text = endpoints.resolver.get_openapi_json_schema(title=TITLE, version="1", openapi_version="3.1.0", description=DESCRIPTION)
    document: dict[str, Any] = json.loads(text)
    document["components"].setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    document["security"] = [{"token": []}]
    schemas = document["components"]["schemas"]
    schemas |= _document_schemas()
    schemas["Problem"] = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs", {})
    for name in ("HTTPValidationError", "ValidationError", "ResponseValidationError"):
        schemas.pop(name, None)
    for (method, path), meta in endpoints.described.items():
        operation = document["paths"][path.replace("<", "{").replace(">", "}")][method.lower()]
        operation["description"] = _meaning(operation["operationId"], is_own=path.startswith(OWN_PATH))
        # Only the admin API can lock its admins out, and only the others' paths refuse its name.
        impossible = RESERVED_API if path.startswith(OWN_PATH) else LOCK_OUT
        _finish(operation, meta, {*ALWAYS, *meta.problems} - {impossible, *meta.never})
    return document


def _meaning(operation_id: str, *, is_own: bool) -> str:
    """Return what the operation means for admins. Those on the admin API's own permissions are permitted apart, and that is said."""
    if not is_own:
        return MEANINGS[operation_id]
    return f"{MEANINGS[operation_id.removesuffix(OWN_SUFFIX)]} This path is about who may use the admin API itself, and is granted apart."


def _finish(operation: dict[str, Any], meta: Meta, problems: set[ProblemType]) -> None:
    answers = operation["responses"]
    success = answers.pop("200")
    content = success["content"]["application/json"]
    if meta.answer is not None:
        content["schema"] = {"$ref": f"#/components/schemas/{meta.answer}"}
    content["example"] = _example(content["schema"])
    if meta.tagged:
        success.setdefault("headers", {})["ETag"] = _ETAG
    if IDEMPOTENCY_MISMATCH in meta.problems:
        success["headers"]["Idempotency-Replayed"] = _REPLAYED
    operation["responses"] = {str(status): success for status in (200, *meta.also)}
    for problem in sorted(problems, key=lambda p: (p.status, p.name)):
        _add_problem(operation["responses"], problem)
    if meta.body is not None:
        operation["requestBody"] = _body(meta.body)
    elif "requestBody" in operation:
        for sent in operation["requestBody"]["content"].values():
            sent["example"] = _example(sent["schema"])


def _example(schema: dict[str, Any]) -> Any:
    """Return the example of a schema by its name. Of two models of one name, Powertools calls one after what it is for."""
    return EXAMPLES[schema["$ref"].rpartition("/")[2].removesuffix("-Output")]


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
        **PROBLEMS.get(problem.name, {}),
    }
    entry.setdefault("headers", {}).update(_PROBLEM_HEADERS.get(problem, {}))
    entry["content"][CONTENT_TYPE]["examples"][problem.name] = {"value": example}


@lru_cache
def _document_schemas() -> dict[str, Any]:
    """Return the schema of permission documents, as its parts stand in this document."""
    text = files("authorizer.policy").joinpath("document.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text.replace('"#/$defs/', '"#/components/schemas/document.'))
    parts = {f"document.{name}": part for name, part in schema.pop("$defs").items()}
    for field in ("$schema", "$id"):
        schema.pop(field, None)
    return parts | {"PermissionDocument": schema}


def _body(kind: str) -> dict[str, Any]:
    schemas: dict[str, Any] = {
        "document": {"$ref": "#/components/schemas/PermissionDocument"},
        "patch": {"type": "object"},
        "routes": {
            "type": "object",
            "required": ["routes"],
            "additionalProperties": False,
            "properties": {name: {"$ref": f"#/components/schemas/PermissionDocument/properties/{name}"} for name in ("routes", "enforced")},
        },
        "subject": {"type": "object", "$ref": "#/components/schemas/document.group"},
    }
    content = {"schema": schemas[kind], "example": BODIES[kind]}
    types = ["application/json", "application/merge-patch+json"] if kind == "patch" else ["application/json"]
    return {"required": True, "content": dict.fromkeys(types, content)}

"""Permission documents: what is read, what is refused and with which words, and that the published schema says the same as far as it can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from admin_api.documents.files import read_file
from authorizer.policy import document as document_module
from authorizer.policy.document import format_document, parse_document
from authorizer.policy.problems import DocumentError
from tests.conformance.vectors import names, read

SEED_DATA = Path(__file__).parent.parent.parent / "seed_data"
SEEDS = sorted(set(SEED_DATA.glob("*.yaml")) - set(SEED_DATA.glob("*.test.yaml")))
SCHEMA: dict[str, Any] = json.loads(Path(document_module.__file__).with_name("document.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("name", names("documents/valid"))
def test_a_valid_document_has_its_normal_form(name: str, schema: Draft202012Validator) -> None:
    vector = read("documents/valid", name)
    document = parse_document(vector["document"])
    formatted = format_document(document)
    assert json.dumps(formatted) == json.dumps(vector["normal"]), "the order counts: the normal form is what files and hashes are made of"
    again = parse_document(formatted)
    assert (again.api, again.enforced, again.subjects, again.rules) == (document.api, document.enforced, document.subjects, document.rules)
    assert [(r, r.public) for r in again.catalog.routes] == [(r, r.public) for r in document.catalog.routes]
    assert format_document(again) == formatted
    schema.validate(vector["document"])
    schema.validate(formatted)


@pytest.mark.parametrize("name", names("documents/invalid"))
def test_an_invalid_document_is_refused_with_every_mistake_in_its_place(name: str, schema: Draft202012Validator) -> None:
    vector = read("documents/invalid", name)
    with pytest.raises(DocumentError) as caught:
        parse_document(vector["document"])
    left = list(caught.value.problems)
    for expected in vector["problems"]:
        found = [p for p in left if p.pointer == expected["at"] and expected["says"] in p.message]
        assert found, f"no problem at {expected['at']!r} says {expected['says']!r}; left are {left}"
        left.remove(found[0])
    assert not left, f"more than was expected: {left}"
    assert schema.is_valid(vector["document"]) is {"rejects": False, "cannot tell": True}[vector["schema"]]


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_the_seeds_fit_the_schema(path: Path, schema: Draft202012Validator) -> None:
    for document in read_file(path):
        schema.validate(document.value)
        document.parse()


def _fields(document: object, pointer: str) -> list[str]:
    """The fields that the validator offers when it meets one that it does not know."""
    with pytest.raises(DocumentError) as caught:
        parse_document(document)
    [message] = [p.message for p in caught.value.problems if p.pointer == pointer]
    return re.findall("`([a-z]+)`", message.partition("it may have")[2])


@pytest.mark.parametrize(
    ("more", "pointer", "place"),
    [
        ({"x": 1}, "/x", "/properties"),
        ({"routes": [{"route": "GET /", "x": 1}]}, "/routes/0/x", "/$defs/catalogueEntry/then/properties"),
        ({"rules": [{"x": 1}]}, "/rules/0/x", "/$defs/rule/properties"),
        ({"rules": [{"only": {"x": 1}}]}, "/rules/0/only/x", "/$defs/demand/anyOf/1/properties"),
        ({"everyone": {"x": 1}}, "/everyone/x", "/$defs/subject/properties"),
        ({"clients": {"c": {"x": 1}}}, "/clients/c/x", "/$defs/client/properties"),
        ({"scopes": {"s": {"x": 1}}}, "/scopes/s/x", "/$defs/subject/properties"),
        ({"groups": {"g": {"x": 1}}}, "/groups/g/x", "/$defs/group/properties"),
        ({"everyone": {"allow": [{"route": "GET /", "x": 1}]}}, "/everyone/allow/0/x", "/$defs/allow/then/properties"),
    ],
)
def test_schema_and_validator_know_the_same_fields(more: dict[str, Any], pointer: str, place: str) -> None:
    node: Any = SCHEMA
    for step in place.split("/")[1:]:
        node = node[int(step) if isinstance(node, list) else step]
    assert list(node) == _fields({"api": "x", "routes": ["GET /"], **more}, pointer)


def test_the_schema_explains_every_field_to_whoever_hovers_over_it() -> None:
    def follow(node: dict[str, Any]) -> dict[str, Any]:
        target = SCHEMA["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else {}
        return {**target, **node}

    holders = [SCHEMA, *SCHEMA["$defs"].values()]
    fields = [follow(f) for h in holders for f in (h.get("properties") or h.get("then", {}).get("properties", {})).values()]
    assert len(fields) >= 15
    assert all(field.get("title") and field.get("description") for field in fields)

"""What a wrong file is told to be, and that no permission document is ever taken for anything else."""

import os
import random
import string
import time
from pathlib import Path

import pytest

from admin_api.importers.foreign_text import ForeignText
from admin_api.importers.recognition import OURS, Kind, recognised

VECTORS = Path(__file__).parents[3] / "vectors"

TRIES = 400 if os.environ.get("CI") else 100

KINDS = [
    ("openapi: 3.0.1\npaths: {}\n", "an OpenAPI 3.0 definition"),
    ('{"openapi": "3.1.0", "components": {"schemas": {"api": {}, "routes": {}}}}', "an OpenAPI 3.1 definition"),
    ("swagger: '2.0'\n", "a Swagger 2.0 definition"),
    ("openapi: &a [*a]\n", "an OpenAPI definition"),
    ("openapi: 3.0.0\npaths: {\n", "an OpenAPI definition"),
    ('{\n  "swagger": "2.0", \n]', "a Swagger definition"),
    ("Transform: AWS::Serverless-2016-10-31\nResources: {}\n", "a SAM template"),
    ("Transform: [AWS::Include, AWS::Serverless-2016-10-31]\n", "a SAM template"),
    ("Resources: {Api: {Type: 'AWS::Serverless::Api'}}\n", "a SAM template"),
    ("AWSTemplateFormatVersion: 2010-09-09\nResources: {A: !Ref b}\n", "a CloudFormation template"),
    ('{"Resources": {"A": 1, "B": {"Type": "AWS::S3::Bucket"}}}', "a CloudFormation template"),
    ("AWSTemplateFormatVersion: 2010-09-09\nA: [\n", "a CloudFormation template"),
    ("service: shop\nprovider: {name: aws}\nfunctions: {}\n", "a definition of the Serverless Framework"),
    ('{"Version": "2012-10-17", "Statement": []}', "an IAM policy document"),
    ('{"Statement": {"Effect": "Allow"}}', "an IAM policy document"),
    ('{"PolicyName": "a", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}', "an IAM policy document"),
    ("# roles\np, admin, /pets, GET\n\ng, alice, admin\n", "a Casbin policy"),
    ("[request_definition]\nr = sub, obj, act\n", "a Casbin model, without its policy"),
    ('permit (\n  principal in Group::"admin",\n  action,\n  resource\n);\n', "a Cedar policy"),
    ("// a\nforbid(principal, action, resource) when { context.x };\n", "a Cedar policy"),
    ('resource "aws_api_gateway_rest_api" "a" {\n  name = "x"\n}\n', "a Terraform file"),
    ('{"resource": {"aws_apigatewayv2_api": {}}}', "a Terraform file"),
    ('{"version": 4, "terraform_version": "1.5.0"}', "a Terraform file"),
    ("# routes\nGET /pets\nget pets/{id}\nANY /files/{proxy+}\n$default\nWS $connect\n", "a plain list of routes"),
    ("- GET /pets\n- POST /pets\n", "a plain list of routes"),
    ('["GET /pets"]', "a plain list of routes"),
    ('{"name": "shop", "scripts": {}}', "a `package.json`"),
    ("apiVersion: v1\nkind: Service\n", "a Kubernetes manifest"),
    ("apiVersion: api.cerbos.dev/v1\nresourcePolicy: {}\nkind: x\n", "a Cerbos policy"),
    ("services: {web: {image: x}}\n", "a Compose file"),
    ("asyncapi: 2.6.0\n", "an AsyncAPI definition"),
    ('{"info": {"_postman_id": "1"}, "item": []}', "a Postman collection"),
    ('{"keys": [{"kty": "RSA"}]}', "a key set (JWKS)"),
    ('{"$schema": "x", "properties": {}}', "a JSON Schema"),
    ("package authz\n\ndefault allow = false\n", "a Rego policy"),
    ("model\n  schema 1.1\ntype user\n", "an OpenFGA model"),
    ("<!DOCTYPE html><html>", "a web page"),
    ("<?xml version='1.0'?><a/>", "an XML file"),
]

UNKNOWN = [
    *("", "~", "hello\n", "[]", "{}", "a: 1\n", "- 1\n", "[{a: 1}]", "[", "- never: guest -> DELETE /**\n", "GET\n", "p\n", "\x00"),
    *(
        "Statement: []\n",
        "Resources: [x]\n",
        "Resources: {A: {Type: [x]}}\n",
        "service: a\n",
        "keys: [1]\n",
        "resource: x\n",
        "groups: {}\n",
    ),
    *("1: 2\n", "<<: 1\n", "get: /pets\n"),
]


@pytest.mark.parametrize(("text", "what"), KINDS)
def test_what_a_file_is(text: str, what: str) -> None:
    kind = recognised(ForeignText("file", text))
    assert kind is not None
    assert kind.what == what


@pytest.mark.parametrize("text", UNKNOWN)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    assert recognised(ForeignText("file", text)) is None


@pytest.mark.parametrize(("text", "what"), [each for each in KINDS if each[0].startswith(("{", *string.ascii_letters)) and ":" in each[0]])
@pytest.mark.parametrize("name", OURS)
def test_whatever_has_a_name_of_ours_is_a_permission_document(text: str, what: str, name: str) -> None:
    """With whatever else it has, and where it cannot be read."""
    mixed = f'{{"{name}": 1, {text.lstrip()[1:]}' if text.startswith("{") else f"{name}: x\n{text}"
    assert recognised(ForeignText("file", mixed)) is None, what


def test_permission_documents_with_mistakes_are_permission_documents() -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    start = (
        'api: shop\nroutes: [GET /pets, "POST /pets"]\ngroups:\n  openapi: {allow: [GET /pets]}\n  swagger: {}\nclients: {service: {}}\n'
    )
    for _ in range(TRIES):
        at = chance.randrange(len("api: shop\nroutes:"), len(start))
        text = start[:at] + chance.choice(["[", "}", "*a", "\t", ": ", "\x07", "", "'"]) + start[at + chance.randrange(3) :]
        assert recognised(ForeignText("file", text)) is None, (seed, text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 1_000_000,
        "p," * 500_000,
        "get " * 250_000,
        '{"a":' * 100_000,
        "[" * 1_000_000,
        "\n" * 1_000_000,
        " " * 1_000_000,
        f"get{chr(32) * 100_000}x y",
        f"{{{chr(10) * 100_000}",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.monotonic()
    assert recognised(ForeignText("file", text)) in (None, Kind("a Casbin policy", ("casbin",)))
    assert time.monotonic() - started < 20


def test_the_remedy_names_an_import_that_there_is() -> None:
    kind = Kind("a SAM template", ("template", "sam"))
    assert kind.remedy({"sam": 1, "routes": 2}) == ": `gatebook import sam FILE` makes one of it"
    assert kind.remedy({"template", "sam"}, "a.yaml") == ": `gatebook import template a.yaml` makes one of it"
    assert (kind.remedy(["routes"]), Kind("a web page").remedy(["routes"])) == ("", "")

"""Recognises what files of other tools are, so that a wrong file is told by one sentence and not by twenty problems of its fields."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from admin_api.importers.foreign_text import ForeignText, mapping_of, parse_foreign, text_of
from admin_api.importers.imported import ImportSourceError
from admin_api.importers.openapi import is_openapi, version_of

OURS = ("api", "routes", "gatebook_plan")
"""Names of which a permission document or a kept plan has at least one. Whatever has one is never taken for anything else."""

_MAX_ROUTES = 100

_ARGUMENTS = {"iam": "iam --policies FOLDER --api ARN"}
"""What imports take that read more than one file."""

_HEAD = 200_000
"""How many characters of a text are looked at that is neither YAML nor JSON."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is: `an OpenAPI 3.0 definition`, and the subcommands of `gatebook import` that may take it, the best first."""

    what: str
    importers: tuple[str, ...] = ()

    def importer(self, commands: Collection[str]) -> str | None:
        """Return the first of its imports that there is, None if there is none."""
        return next((name for name in self.importers if name in commands), None)

    def command(self, commands: Collection[str], file: str = "FILE") -> str:
        """Return the command that reads it, by the first of its imports that there is; nothing if there is none: `gatebook import openapi FILE`."""
        name = self.importer(commands)
        return "" if name is None else f"gatebook import {_ARGUMENTS.get(name, f'{name} {file}')}"

    def remedy(self, commands: Collection[str], file: str = "FILE") -> str:
        """Return how to make a permission document of it; nothing if there is no import for it."""
        command = self.command(commands, file)
        return f": `{command}` makes one of it" if command else ""


def is_ours(source: ForeignText) -> bool:
    """Return whether a text is a permission document or a kept plan: it has one of the names that no other tool's file has."""
    try:
        value = parse_foreign(source).value
    except ImportSourceError:
        return _OURS_UNREAD.search(source.text) is not None
    return isinstance(value, dict) and any(name in value for name in OURS)


def recognised(source: ForeignText) -> Kind | None:
    """Return what a text is, None for a permission document and for everything that is not known. It looks at what a text says, never at its file's name."""
    try:
        value = parse_foreign(source).value
    except ImportSourceError:
        return None if _OURS_UNREAD.search(source.text) else _of_text(source.text[:_HEAD]) or _of_unread(source.text[:_HEAD])
    if isinstance(value, dict):
        return None if any(name in value for name in OURS) else _of_mapping(value)
    if isinstance(value, list):
        words = [each for each in value if isinstance(each, str)]
        return _ROUTES if words and len(words) == len(value) and all(map(_is_route, words[:_MAX_ROUTES])) else None
    return _of_text(source.text[:_HEAD])


_ROUTES = Kind("a plain list of routes", ("routes",))
_SAM = Kind("a SAM template", ("template", "sam", "cloudformation"))
_CLOUDFORMATION = Kind("a CloudFormation template", ("template", "cloudformation", "sam"))
_SERVERLESS = Kind("a definition of the Serverless Framework", ("serverless", "template"))
_IAM = Kind("an IAM policy document", ("iam", "iam-policy"))
_CASBIN = Kind("a Casbin policy", ("casbin",))
_CEDAR = Kind("a Cedar policy", ("verified-permissions", "cedar"))
_TERRAFORM = Kind("a Terraform file", ("terraform",))


def _of_mapping(value: Mapping[str, Any]) -> Kind | None:
    if is_openapi(value):
        name = version_of(value)
        return Kind(f"{'an' if name.startswith('O') else 'a'} {name} definition", ("openapi",))
    return next((kind for is_it, kind in _MAPPINGS if is_it(value)), None)


def _resource_types(value: Mapping[str, Any]) -> list[str]:
    return [text_of(mapping_of(each).get("Type")) for each in mapping_of(value.get("Resources")).values()]


def _is_sam(value: Mapping[str, Any]) -> bool:
    named = value.get("Transform")
    transforms = named if isinstance(named, list) else [named]
    return any(text_of(each).startswith("AWS::Serverless") for each in transforms) or any(
        kind.startswith("AWS::Serverless::") for kind in _resource_types(value)
    )


def _is_cloudformation(value: Mapping[str, Any]) -> bool:
    return "AWSTemplateFormatVersion" in value or any(kind.startswith(("AWS::", "Custom::")) for kind in _resource_types(value))


def _is_iam(value: Mapping[str, Any]) -> bool:
    policy = mapping_of(value.get("PolicyDocument")) or value
    statements = policy.get("Statement")
    listed = statements if isinstance(statements, list) else [statements]
    return "Statement" in policy and ("Version" in policy or any("Effect" in mapping_of(each) for each in listed))


def _is_terraform(value: Mapping[str, Any]) -> bool:
    return "terraform_version" in value or isinstance(value.get("terraform"), dict) or "aws_" in "".join(mapping_of(value.get("resource")))


def _has(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda value: all(name in value for name in names)


_MAPPINGS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Kind], ...] = (
    (_is_sam, _SAM),
    (_is_cloudformation, _CLOUDFORMATION),
    (lambda value: "service" in value and ("provider" in value or "functions" in value), _SERVERLESS),
    (_is_iam, _IAM),
    (_is_terraform, _TERRAFORM),
    (_has("asyncapi"), Kind("an AsyncAPI definition")),
    (_has("apiVersion", "resourcePolicy"), Kind("a Cerbos policy", ("cerbos",))),
    (_has("apiVersion", "kind"), Kind("a Kubernetes manifest")),
    (lambda value: "item" in value and "_postman_id" in mapping_of(value.get("info")), Kind("a Postman collection", ("postman",))),
    (
        lambda value: "name" in value and any(name in value for name in ("dependencies", "devDependencies", "scripts")),
        Kind("a `package.json`"),
    ),
    (lambda value: isinstance(value.get("services"), dict), Kind("a Compose file")),
    (
        lambda value: isinstance(value.get("keys"), list) and all("kty" in mapping_of(each) for each in value["keys"]),
        Kind("a key set (JWKS)"),
    ),
    (_has("$schema", "properties"), Kind("a JSON Schema")),
)


_LINE_OF_CASBIN = re.compile(r"\s*+[pg]\d?\s*+,.*")
_LINE_OF_ROUTES = re.compile(
    r"(?:- )?(?:(?:get|head|options|post|put|patch|delete|any|\*)\s++/?\S*+|ws\s++\S++|\$default)\s*+", re.IGNORECASE
)

_TEXTS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (
        re.compile(r"^[ \t]{0,8}\[(?:request_definition|policy_definition|matchers)\]", re.MULTILINE),
        Kind("a Casbin model, without its policy"),
    ),
    (re.compile(r"^(?:permit|forbid)\s{0,8}\(", re.MULTILINE), _CEDAR),
    (
        re.compile(
            r'^(?:resource|data)[ \t]++"\w++"[ \t]++"[^"\n]*+"[ \t]*+\{'
            r'|^(?:provider|module|variable|output)[ \t]++"[^"\n]*+"[ \t]*+\{|^(?:terraform|locals)[ \t]*+\{',
            re.MULTILINE,
        ),
        _TERRAFORM,
    ),
    (re.compile(r"\A\s*+package[ \t]++[\w.]++[ \t\r]*+$", re.MULTILINE), Kind("a Rego policy", ("rego",))),
    (re.compile(r"\A\s*+model[ \t\r]*+\n\s++schema\s+1\."), Kind("an OpenFGA model", ("openfga",))),
    (re.compile(r"\A\s*+<(?:!doctype html|html)", re.IGNORECASE), Kind("a web page")),
    (re.compile(r"\A\s*+<\?xml"), Kind("an XML file")),
)


def _is_route(line: str) -> bool:
    return _LINE_OF_ROUTES.fullmatch(line) is not None


def _of_text(text: str) -> Kind | None:
    said = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "//"))]
    if said and all(map(_LINE_OF_CASBIN.fullmatch, said[:_MAX_ROUTES])):
        return _CASBIN
    if said and all(map(_is_route, said[:_MAX_ROUTES])):
        return _ROUTES
    return next((kind for pattern, kind in _TEXTS if pattern.search(text)), None)


# Of a text that cannot be read as YAML or JSON: names at the start of a line, indented as JSON's outermost are.
_OURS_UNREAD = re.compile(rf'^(?:\{{?\s{{0,4}}"(?:{"|".join(OURS)})"|(?:{"|".join(OURS)}))\s*:', re.MULTILINE)

_UNREAD: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(rf"^(?:\{{?\s{{0,4}}[\"'](?:{names})[\"']|(?:{names}))\s*:", re.MULTILINE), kind)
    for names, kind in (
        ("openapi", Kind("an OpenAPI definition", ("openapi",))),
        ("swagger", Kind("a Swagger definition", ("openapi",))),
        ("AWSTemplateFormatVersion", _CLOUDFORMATION),
    )
)


def _of_unread(text: str) -> Kind | None:
    return next((kind for pattern, kind in _UNREAD if pattern.search(text)), None)

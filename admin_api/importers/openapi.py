"""Routes of an API's definition: Swagger 2.0 and OpenAPI 3, with API Gateway's extensions where it has any.

What a definition says is read as API Gateway's own import does: the base path belongs to no route unless asked for, `x-amazon-apigateway-any-method` is
`ANY`, and a security scheme with `x-amazon-apigateway-authorizer` is an authorizer of the type that it names.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from admin_api.importers.foreign_text import ForeignValue, mapping_of, text_of
from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError
from admin_api.importers.route_list import ANY_WORDS, RouteList
from authorizer.policy.problems import child
from authorizer.policy.route import DEFAULT_ROUTE

MAX_VISITED = 500_000
"""How many names of path items and security requirements are looked at. Without an end, aliases could name a large one a million times."""

_MAX_HOPS = 10

_VERSIONS = re.compile(r"3\.[012](?:\.\d+)?|3")

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "connect", "query", *ANY_WORDS)
_NO_METHODS = ("$ref", "summary", "description", "servers", "parameters", "additionaloperations")

_AUTHORIZER_TYPES = {"token": Guard.AUTHORIZER, "request": Guard.AUTHORIZER, "jwt": Guard.OTHER, "cognito_user_pools": Guard.OTHER}
_AUTH_TYPES = {"custom": Guard.AUTHORIZER, "awssigv4": Guard.OTHER, "cognito_user_pools": Guard.OTHER}
_OPERATION_AUTH = {"none": Guard.OPEN, "aws_iam": Guard.OTHER, "cognito_user_pools": Guard.OTHER, "custom": Guard.AUTHORIZER}

_EXTENSION = "x-amazon-apigateway-"


class BasePath(StrEnum):
    """What becomes of a definition's base path, by the words of API Gateway's own parameter `basepath`."""

    IGNORE = "ignore"
    PREPEND = "prepend"


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: str
    fields: Mapping[str, Any]
    place: str


def is_openapi(value: object) -> bool:
    """Return whether a text's value calls itself a definition of OpenAPI or Swagger."""
    return isinstance(value, dict) and ("openapi" in value or "swagger" in value)


def version_of(value: Mapping[str, Any]) -> str:
    """Return what a definition calls itself: `OpenAPI 3.0`, `Swagger 2.0`."""
    name, number = ("OpenAPI", text_of(value["openapi"])) if "openapi" in value else ("Swagger", text_of(value.get("swagger")))
    return f"{name} {'.'.join(number.split('.')[:2])}"[:30].strip()


def read_openapi(source: ForeignValue, base_path: BasePath = BasePath.IGNORE) -> FoundRoutes:
    """Return the routes of a definition. Raises `ImportSourceError` if it is none, or has no paths."""
    if not is_openapi(source.value):
        raise ImportSourceError(f"{source.name}: this is no OpenAPI definition: it has neither `openapi` nor `swagger`")
    root = source.value
    number = text_of(root.get("openapi", root.get("swagger")))
    if not (_VERSIONS.fullmatch(number) if "openapi" in root else number in ("2.0", "2")):
        raise ImportSourceError(f"{source.name}: version `{number[:20]}` is not read: convert it to OpenAPI 3.0 first")
    return _Definition(source, root).read(base_path)


class _Definition:
    """One definition while it is read."""

    def __init__(self, source: ForeignValue, root: Mapping[str, Any]) -> None:
        self._source = source
        self._root = root
        self._routes = RouteList()
        self._notes = list(source.notes)
        self._guards: dict[str, Guard] = {}
        self._visited = 0

    def read(self, base_path: BasePath) -> FoundRoutes:
        """Return the routes."""
        operations = list(self._operations())
        base = self._base_path()
        self._note_base(base, base_path)
        prefix = base if base_path is BasePath.PREPEND else ""
        unguarded = Guard.NONE if self._is_deployable(operations) else Guard.UNKNOWN
        optional = []
        for each in operations:
            guard, is_optional = self._guard(each.fields, unguarded)
            if is_optional:
                optional.append(f"{each.method} {each.path}")
            is_default = each.path.strip("/") == DEFAULT_ROUTE and each.method.lower() in ANY_WORDS
            self._routes.add(each.method, DEFAULT_ROUTE if is_default else prefix + each.path, each.place, guard)
        found = self._routes.found()
        if not found and not self._routes.not_taken:
            raise ImportSourceError(f"{self._source.name}: the definition has no paths, so that there is no route to import")
        self._note_guards(optional, [str(each.route) for each in found if each.guard is Guard.OPEN])
        self._note_webhooks()
        title = text_of(mapping_of(self._root.get("info")).get("title"))
        name = title or self._source.name.rpartition(".")[0] or self._source.name
        return FoundRoutes(name, found, tuple(self._routes.not_taken), notes=tuple(self._notes))

    def _operations(self) -> Iterator[_Operation]:
        paths = self._root.get("paths")
        if paths is not None and not isinstance(paths, dict):
            raise ImportSourceError(f"{self._source.name}: `paths` is no mapping of paths: correct the definition")
        for path, item in mapping_of(paths).items():
            self._visit(1)
            pointer = child("/paths", path)
            place = self._source.place(mapping_of(paths), path, pointer)
            if path.lower().startswith("x-") or item is None:
                continue
            for part in self._path_items(path, item, place):
                yield from self._of_item(path, part, pointer)

    def _path_items(self, path: str, item: object, place: str) -> list[Mapping[str, Any]]:
        """Return what a path consists of: its own operations, and those of the path item that its `$ref` leads to."""
        parts: list[Mapping[str, Any]] = []
        for _ in range(_MAX_HOPS):
            if not isinstance(item, dict):
                self._routes.skip(place, f"`{path}` has no operations here: a path must hold methods, as in `get:`")
                return parts
            if any(item is each for each in parts):
                break
            parts.append(item)
            if "$ref" not in item:
                return parts
            reference = text_of(item["$ref"])
            if not reference.startswith("#"):
                self._routes.skip(place, f"`{path}` lies in another file, `{reference[:200]}`: make one file of the definition first")
                return parts
            item = self._resolve(reference)
        self._routes.skip(place, f"`{path}` leads in a circle or too far by `$ref`: write its operations out")
        return parts

    def _of_item(self, path: str, item: Mapping[str, Any], pointer: str) -> Iterator[_Operation]:
        self._visit(len(item))
        more = item.get("additionalOperations")
        for holder, prefix in ((item, pointer), (mapping_of(more), child(pointer, "additionalOperations"))):
            for name, fields in holder.items():
                place = self._source.place(holder, name, child(prefix, name))
                if name.lower() in _METHODS or holder is not item:
                    if isinstance(fields, dict):
                        self._visit(len(fields))
                        yield _Operation(name, path, fields, place)
                    else:
                        self._routes.skip(place, f"`{name} {path}` says nothing of an operation: write `{name}: {{}}` if it is one")
                elif name.lower() not in _NO_METHODS and not name.lower().startswith("x-"):
                    self._routes.skip(place, f"`{name}` of `{path}` is no method: take it out, or write it with its method's name")
        self._visit(len(mapping_of(more)))

    def _resolve(self, reference: str) -> Any:
        """Return what a reference within the definition leads to: `#/components/pathItems/Pet`; None if that is nothing."""
        value: Any = self._root if reference.startswith("#/") else None
        for part in reference.removeprefix("#").split("/")[1:]:
            # Reserved characters may stand as they are or be percent-encoded: a reference is a URI.
            name = part.replace("%7B", "{").replace("%7D", "}").replace("%2F", "/").replace("~1", "/").replace("~0", "~")
            if isinstance(value, list):
                value = value[int(name)] if name.isdecimal() and len(name) < 9 and int(name) < len(value) else None
            else:
                value = mapping_of(value).get(name)
        return value

    def _is_deployable(self, operations: list[_Operation]) -> bool:
        """Return whether this is what API Gateway deploys. A definition without its extensions is for readers, and says nothing where it says nothing."""
        schemes = [self._scheme(name) for name in self._schemes()]
        return any(
            any(name.lower().startswith(_EXTENSION) for name in each)
            for each in (self._root, *schemes, *(one.fields for one in operations))
        ) or any(one.method.lower() == f"{_EXTENSION}any-method" for one in operations)

    def _schemes(self) -> Mapping[str, Any]:
        components = mapping_of(self._root.get("components"))
        return mapping_of(components.get("securitySchemes") if "openapi" in self._root else self._root.get("securityDefinitions"))

    def _scheme(self, name: str) -> Mapping[str, Any]:
        scheme = self._schemes().get(name)
        reference = text_of(mapping_of(scheme).get("$ref"))
        return mapping_of(self._resolve(reference) if reference.startswith("#") else scheme)

    def _guard(self, operation: Mapping[str, Any], unguarded: Guard) -> tuple[Guard, bool]:
        """Return what guards an operation, and whether callers may leave out the token if they like."""
        auth = text_of(mapping_of(operation.get("x-amazon-apigateway-auth")).get("type")).lower()
        if auth in _OPERATION_AUTH:
            return _OPERATION_AUTH[auth], False
        holder = operation if "security" in operation else self._root
        if "security" not in holder:
            return unguarded, False
        alternatives = holder["security"]
        if not isinstance(alternatives, list):
            return Guard.UNKNOWN, False
        self._visit(len(alternatives))
        if not any(alternatives):
            # `[]`, and `[{}]`: nothing is required. A `null` in it is a mistake.
            return (Guard.OPEN if all(isinstance(each, dict) for each in alternatives) else Guard.UNKNOWN), False
        if not all(alternatives):
            return Guard.UNKNOWN, True
        # A method of API Gateway has one authorizer; an API key beside it is one more thing to have.
        guards = {self._guard_of(name) for each in alternatives for name in self._names(each)}
        return next((guard for guard in (Guard.AUTHORIZER, Guard.UNKNOWN, Guard.OTHER) if guard in guards), Guard.UNKNOWN), False

    def _names(self, requirement: object) -> list[str]:
        """Return the schemes of one requirement. What is none names a scheme that no definition has."""
        names = list(mapping_of(requirement)) or [""]
        self._visit(len(names))
        return names

    def _guard_of(self, name: str) -> Guard:
        if name not in self._guards:
            self._guards[name] = self._scheme_guard(self._scheme(name))
        return self._guards[name]

    def _scheme_guard(self, scheme: Mapping[str, Any]) -> Guard:
        authorizer = scheme.get("x-amazon-apigateway-authorizer")
        reference = text_of(mapping_of(authorizer).get("$ref"))
        if reference.startswith("#"):
            authorizer = self._resolve(reference)
        if authorizer is not None:
            return _AUTHORIZER_TYPES.get(text_of(mapping_of(authorizer).get("type")).lower(), Guard.UNKNOWN)
        kind = text_of(scheme.get("x-amazon-apigateway-authtype")).lower()
        if kind in _AUTH_TYPES:
            return _AUTH_TYPES[kind]
        # Swagger 2.0 has no other way to write that a token comes in this header.
        is_token = text_of(scheme.get("name")).lower() == "authorization"
        return Guard.OTHER if text_of(scheme.get("type")).lower() == "apikey" and not is_token else Guard.UNKNOWN

    def _base_path(self) -> str:
        """Return the base path without a slash at its end, found as API Gateway finds it: `https://shop.example/v1/` -> `/v1`."""
        if "openapi" not in self._root:
            base = text_of(self._root.get("basePath"))
        else:
            listed = self._root.get("servers")
            servers = [mapping_of(each) for each in (listed if isinstance(listed, list) else [])]
            variables = [mapping_of(each.get("variables")) for each in servers]
            named = [text_of(mapping_of(each["basePath"]).get("default")) for each in variables if "basePath" in each]
            paths = [_path_of(text_of(each.get("url")), values) for each, values in zip(servers, variables, strict=True)]
            base = named[0] if named else next((path for path in paths if path.strip("/")), "")
        return f"/{base.strip('/')}" if base.strip("/") else ""

    def _note_base(self, base: str, base_path: BasePath) -> None:
        if base_path is BasePath.PREPEND:
            if not base:
                self._notes.append("the definition has no base path to prepend")
            elif "{" in base:
                raise ImportSourceError(
                    f"{self._source.name}: the base path `{base[:200]}` has a variable without a default: write it out, or leave out `--base-path prepend`"
                )
        elif base:
            self._notes.append(
                f"the base path `{base[:200]}` is left out, as API Gateway's import does; if it was imported with `basepath=prepend`, "
                "say `--base-path prepend`"
            )

    def _note_guards(self, optional: list[str], public: list[str]) -> None:
        if optional:
            self._notes.append(
                f"callers may leave out the token of {_counted(optional)}: the document does not say so, mark what shall be open with `public: true`"
            )
        if public and self._root.get("security") == []:
            self._notes.append(f"`security: []` stands for the whole definition: see whether {_counted(public)} shall be `public`")

    def _note_webhooks(self) -> None:
        webhooks = mapping_of(self._root.get("webhooks"))
        if webhooks:
            self._notes.append(f"{len(webhooks)} webhook{'s' * (len(webhooks) != 1)}: calls that the API makes itself are no routes of it")

    def _visit(self, count: int) -> None:
        self._visited += count
        if self._visited > MAX_VISITED:
            raise ImportSourceError(
                f"{self._source.name}: it names more than {MAX_VISITED} operations, their fields and requirements: make it smaller"
            )


def _path_of(url: str, variables: Mapping[str, Any]) -> str:
    """Return the path of a server's address, with the defaults of its variables: `https://{host}/v1?a=b` -> `/v1`."""
    url = url[:1000]
    for name, value in list(variables.items())[:100]:
        default = text_of(mapping_of(value).get("default"))[:1000]
        url = (url.replace(f"{{{name}}}", default) if default else url)[:1000]
    scheme, separator, rest = url.partition("://")
    after_host = rest.partition("/")[2] if separator else scheme
    return after_host.partition("?")[0].partition("#")[0]


def _counted(names: list[str]) -> str:
    """Return names as a sentence has them: `GET /pets`, or `GET /pets` and 7 others."""
    others = len(names) - 1
    return f"`{names[0][:200]}`" + (f" and {others} other{'s' * (others != 1)}" if others else "")

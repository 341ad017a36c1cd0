"""Routes that a CloudFormation or SAM template declares. An API whose routes stand in an OpenAPI body is pointed out, not read."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from admin_api.importers.api_collector import ApiCollector, FoundApis, authorizer_guard
from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError, NotTaken
from admin_api.importers.template_text import Block, place_of, read_blocks
from admin_api.importers.template_values import UnknownValueError, Values, block_at, named
from authorizer.policy.route import DEFAULT_ROUTE, WEBSOCKET

BodyReader = Callable[[Mapping[str, Any], str], FoundRoutes]
"""Reads the routes of an OpenAPI body that stands in a template. The text is the place of the body."""

REST_KINDS = {
    "AWS::Serverless::Api": "rest",
    "AWS::ApiGateway::RestApi": "rest",
    "AWS::Serverless::HttpApi": "http",
    "AWS::ApiGatewayV2::Api": "",
}
BODIES = {"DefinitionBody": True, "Body": True, "DefinitionUri": False, "BodyS3Location": False}
"""Where an API keeps an OpenAPI document, and whether that is in the template itself."""

IMPLICIT = {"Api": ("ServerlessRestApi", "rest", "RestApiId"), "HttpApi": ("ServerlessHttpApi", "http", "ApiId")}
"""The API that SAM makes for events which name none, by the type of the event, and the property that would name one."""

ROOT = "RootResourceId"


def read_template(path: Path, parameters: Mapping[str, str] | None = None, body_reader: BodyReader | None = None) -> FoundApis:
    """Return the routes of each API of a template, by its logical id. Raises `ImportSourceError`, `OSError`."""
    return routes_of_template(read_blocks(path), parameters or {}, body_reader)


def routes_of_template(template: Block, parameters: Mapping[str, str], body_reader: BodyReader | None = None) -> FoundApis:
    """Return the routes of each API of a template that was read. Raises `ImportSourceError`."""
    if not isinstance(template.get("Resources"), Block):
        raise ImportSourceError(f"{template.place()}: no mapping `Resources`: give a CloudFormation or SAM template")
    return _Template(template, parameters, body_reader).found()


class _Template:
    """One template, while it is read."""

    def __init__(self, template: Block, parameters: Mapping[str, str], body_reader: BodyReader | None) -> None:
        self.template = template
        self.values = Values(template, parameters)
        self.body_reader = body_reader
        self.apis: dict[str, ApiCollector] = {}
        self.not_taken: list[NotTaken] = []
        self.notes: list[str] = []
        self.resources = self._resources(template["Resources"])
        self.paths: dict[str, str] = {}

    def found(self) -> FoundApis:
        """Return the routes of all APIs."""
        for name, resource in self.resources.items():
            if resource["Type"] in REST_KINDS:
                self._api(name, resource)
        for name, resource in self.resources.items():
            if "Events" in block_at(resource, "Properties"):
                self._events(resource)
            elif resource["Type"] == "AWS::ApiGateway::Method":
                self._method(name, resource)
        self._routes()
        # An API without a route, such as one that a nested template fills, is none of this template's.
        found = {name: api.found() for name, api in self.apis.items()}
        return FoundApis(
            {name: each for name, each in found.items() if each.routes or each.not_taken}, tuple(self.not_taken), tuple(self.notes)
        )

    def _resources(self, written: Block) -> dict[str, Block]:
        """Return the resources that the parameters do not rule out."""
        kept = {}
        for name, resource in written.items():
            place = written.place(name)
            if name.startswith("Fn::"):
                self.not_taken.append(
                    NotTaken(
                        place,
                        f"`{name}` makes resources when it is deployed: import the deployed API, or give the template as it is after the transform",
                    )
                )
            elif not isinstance(resource, Block) or not isinstance(resource.get("Type"), str):
                self.not_taken.append(NotTaken(place, f"`{name}` is no resource with a `Type`: correct it in the template"))
            elif self._exists(name, resource):
                kept[name] = resource
                if resource["Type"] in ("AWS::CloudFormation::Stack", "AWS::Serverless::Application"):
                    self.notes.append(f"{place}: `{name}` is another template: import it too if it declares routes")
        return kept

    def _exists(self, name: str, resource: Block) -> bool:
        condition = resource.get("Condition")
        if condition is None:
            return True
        try:
            holds = self.values.holds(condition)
        except UnknownValueError:
            # It may exist. A route too many in a document grants nothing by itself.
            return True
        if not holds and _has_routes(resource):
            self.notes.append(f"{resource.place('Condition')}: `{name}` is left out, as `{condition}` does not hold with these parameters")
        return holds

    def _api(self, name: str, resource: Block) -> None:
        properties = block_at(resource, "Properties")
        kind = REST_KINDS[resource["Type"]]
        if resource["Type"] == "AWS::ApiGatewayV2::Api":
            kind = {"HTTP": "http", "WEBSOCKET": "websocket"}.get(str(self._known(properties.get("ProtocolType")) or "").upper(), "")
        title = next((text for key in ("Name", "Title") if (text := self._known(properties.get(key)))), name)
        api = self.apis[name] = ApiCollector(str(title), kind)
        if resource["Type"].startswith("AWS::Serverless::"):
            api.settings = _joined(self._globals("Api" if kind == "rest" else "HttpApi"), properties)
        for key, inline in BODIES.items():
            if key in properties:
                self._body(api, properties[key], _place(properties, key, resource), key, inline=inline)
        if "Target" in properties and kind != "websocket":
            place = _place(properties, "Target", resource)
            self._route(api, properties.get("RouteKey", DEFAULT_ROUTE), place, Guard.NONE)

    def _body(self, api: ApiCollector, body: Any, place: str, key: str, *, inline: bool) -> None:
        if inline and self.body_reader is not None and isinstance(body, Mapping) and "paths" in body:
            inner = self.body_reader(body, place)
            for each in inner.routes:
                api.routes.routes.setdefault((each.route.method, each.route.shape), each)
            api.routes.not_taken += inner.not_taken
            return
        where = "here" if inline and isinstance(body, Mapping) and "paths" in body else "in another file"
        api.routes.skip(place, f"`{key}`: the routes stand {where}, in an OpenAPI document: take them with `gatebook import openapi FILE`")

    def _globals(self, kind: str) -> Mapping[str, Any]:
        return block_at(self.template, "Globals", kind)

    def _known(self, value: Any) -> Any:
        try:
            return self.values.value(value)
        except UnknownValueError:
            return None

    def _api_of(self, value: Any, kind: str, place: str) -> ApiCollector | None:
        """Return the API that a resource names. One of another template is called by the parameter that stands for it."""
        try:
            if isinstance(value, Mapping) and "Fn::If" in value:
                value = self.values.value({"Fn::If": [value["Fn::If"][0], [value["Fn::If"][1]], [value["Fn::If"][2]]]})[0]
            name = named(value)[0] or self.values.text(value)
        except (UnknownValueError, TypeError, LookupError):
            self.not_taken.append(NotTaken(place, "which API this belongs to is known only to the deployment: import the deployed API"))
            return None
        return self.apis.setdefault(name, ApiCollector(name, kind))

    def _events(self, resource: Block) -> None:
        """Take the routes of a SAM function or state machine."""
        events = resource["Properties"]["Events"]
        for key, event in events.items() if isinstance(events, Block) else ():
            place = events.place(key)
            properties = block_at(event, "Properties")
            if key.startswith("Fn::") or any(each.startswith("Fn::") for each in properties):
                self.not_taken.append(NotTaken(place, "a function makes this event: write out the events and their properties"))
                continue
            if not isinstance(event, Block) or event.get("Type") not in IMPLICIT:
                continue
            implicit, kind, reference = IMPLICIT[event["Type"]]
            if reference in properties:
                api = self._api_of(properties[reference], kind, place)
            else:
                api = self.apis.setdefault(implicit, ApiCollector(implicit, kind))
                api.settings = api.settings or self._globals(event["Type"])
            if api is not None:
                self._event(api, event["Type"], properties, place)

    def _event(self, api: ApiCollector, kind: str, properties: Mapping[str, Any], place: str) -> None:
        guard = self._sam_guard(api.settings, block_at(properties, "Auth"))
        method, path = properties.get("Method"), properties.get("Path")
        if kind == "HttpApi" and path is None and method is None:
            api.routes.add("ANY", DEFAULT_ROUTE, place, guard)
            return
        if path is None or method is None:
            api.routes.skip(place, f"an event of the type {kind} needs `Method` and `Path`: add the one that lacks")
            return
        self._add(api, method, path, place, guard)

    def _sam_guard(self, settings: Mapping[str, Any], auth: Mapping[str, Any]) -> Guard:
        of_api = block_at(settings, "Auth")
        key_required = _true(auth.get("ApiKeyRequired", of_api.get("ApiKeyRequired")))
        written = auth.get("Authorizer", of_api.get("DefaultAuthorizer"))
        name = self._known(written)
        if written is None:
            return Guard.OTHER if key_required else Guard.NONE
        if name == "NONE":
            return Guard.OTHER if key_required else Guard.OPEN
        if name == "AWS_IAM":
            return Guard.OTHER
        authorizer = block_at(of_api, "Authorizers", str(name))
        if "FunctionArn" in authorizer:
            return Guard.AUTHORIZER
        return Guard.OTHER if authorizer.keys() & {"UserPoolArn", "JwtConfiguration"} else Guard.UNKNOWN

    def _method(self, name: str, resource: Block) -> None:
        """Take a method of a REST API that is written without SAM."""
        properties = block_at(resource, "Properties")
        place = resource.place()
        api = self._api_of(properties.get("RestApiId"), "rest", place)
        if api is None:
            return
        try:
            path = self._path(properties.get("ResourceId"))
        except UnknownValueError as error:
            api.routes.skip(place, f"`{name}`: {error}")
            return
        guard = authorizer_guard(self._word(properties.get("AuthorizationType")), key_required=_true(properties.get("ApiKeyRequired")))
        self._add(api, properties.get("HttpMethod"), path, place, guard)

    def _word(self, value: Any) -> Any:
        return "unknown" if value is not None and self._known(value) is None else self._known(value)

    def _path(self, reference: Any) -> str:
        """Return the path of a resource of a REST API: the parts of its parents and its own. Raises `UnknownValueError`."""
        chain: dict[str, str] = {}
        above = ""
        while True:
            name, attribute = named(reference)
            if attribute == ROOT:
                break
            if name in self.paths:
                above = self.paths[name]
                break
            if name in chain:
                raise UnknownValueError(f"the resource `{name}` lies under itself: correct its `ParentId`")
            resource: Mapping[str, Any] = self.resources.get(name, {})
            if resource.get("Type") != "AWS::ApiGateway::Resource":
                raise UnknownValueError("it lies under a resource that this template does not declare: import the deployed API")
            properties = block_at(resource, "Properties")
            chain[name] = self.values.text(properties.get("PathPart"))
            reference = properties.get("ParentId")
        for name, part in reversed(chain.items()):
            # Only the length counts: API Gateway allows a path of a few hundred characters, and a chain of thousands would grow as its square.
            above = self.paths[name] = f"{above}/{part}"
            if len(above) > 10_000:
                raise UnknownValueError("the path is longer than any of API Gateway: correct its `ParentId`")
        return above or "/"

    def _routes(self) -> None:
        """Take the routes of HTTP and WebSocket APIs that are written without SAM."""
        keys: dict[str, list[tuple[ApiCollector, Any, Block]]] = {}
        for resource in self.resources.values():
            if resource["Type"] == "AWS::ApiGatewayV2::Route":
                api = self._api_of(block_at(resource, "Properties").get("ApiId"), "", resource.place())
                if api is not None:
                    keys.setdefault(str(id(api)), []).append((api, block_at(resource, "Properties").get("RouteKey"), resource))
        for routes in keys.values():
            api = routes[0][0]
            # An API of another template: a key of one word tells, as `$default` is one of either kind.
            words = [str(self._known(key)) for _, key, _ in routes]
            api.kind = api.kind or ("websocket" if any(" " not in word and word != DEFAULT_ROUTE for word in words) else "http")
            for _, key, resource in routes:
                properties = block_at(resource, "Properties")
                guard = authorizer_guard(
                    self._word(properties.get("AuthorizationType")), key_required=_true(properties.get("ApiKeyRequired"))
                )
                self._route(api, key, resource.place(), guard)

    def _route(self, api: ApiCollector, key: Any, place: str, guard: Guard) -> None:
        if api.kind == "websocket":
            self._add(api, WEBSOCKET, key, place, guard)
            return
        try:
            text = self.values.text(key)
        except UnknownValueError as error:
            api.routes.skip(place, f"`RouteKey`: {error}")
            return
        method, space, path = text.partition(" ")
        if text == DEFAULT_ROUTE:
            api.routes.add("ANY", DEFAULT_ROUTE, place, guard)
        elif space:
            api.routes.add(method, path.strip(), place, guard)
        else:
            api.routes.skip(place, f"`{text}` is no route key of an HTTP API: write it as in `GET /pets`")

    def _add(self, api: ApiCollector, method: Any, path: Any, place: str, guard: Guard) -> None:
        try:
            api.routes.add(self.values.text(method), self.values.text(path), place, guard)
        except UnknownValueError as error:
            api.routes.skip(place, str(error))


def _has_routes(resource: Block) -> bool:
    kind = resource["Type"]
    return (
        kind in REST_KINDS
        or kind in ("AWS::ApiGateway::Method", "AWS::ApiGatewayV2::Route")
        or "Events" in block_at(resource, "Properties")
    )


def _place(properties: Mapping[str, Any], key: str, resource: Block) -> str:
    return properties.place(key) if isinstance(properties, Block) else place_of(properties, resource.place())


def _true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a resource over those of `Globals`, mapping by mapping, as SAM joins them."""
    joined = dict(below)
    for key, value in above.items():
        inner = joined.get(key)
        joined[key] = _joined(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return joined

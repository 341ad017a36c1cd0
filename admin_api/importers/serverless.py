"""Routes that a file of the Serverless Framework declares (`serverless.yml`): those of its REST, HTTP and WebSocket API."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from admin_api.importers.api_collector import ApiCollector, FoundApis
from admin_api.importers.imported import Guard, ImportSourceError, NotTaken
from admin_api.importers.serverless_variables import Variables
from admin_api.importers.template_text import Block, read_blocks
from admin_api.importers.template_values import UnknownValueError, block_at
from authorizer.policy.route import DEFAULT_ROUTE, WEBSOCKET

KINDS = {"http": "rest", "httpApi": "http", "websocket": "websocket"}
"""The kind of API by the name of the event."""

_COGNITO = ":cognito-idp:"


def read_serverless(path: Path, parameters: Mapping[str, str] | None = None) -> FoundApis:
    """Return the routes of each API of a file, by the name of its events. Raises `ImportSourceError`, `OSError`."""
    root = read_blocks(path)
    provider = root.get("provider")
    name = provider.get("name") if isinstance(provider, Mapping) else provider
    if name not in (None, "aws"):
        raise ImportSourceError(f"{root.place('provider')}: the provider is `{name}`: only that of `aws` has an API Gateway")
    if "functions" not in root:
        raise ImportSourceError(f"{path.name}: no `functions`: give a file of the Serverless Framework")
    return _Service(root, path.parent, parameters or {}).found()


class _Service:
    """One file, while it is read."""

    def __init__(self, root: Block, folder: Path, given: Mapping[str, str]) -> None:
        self.root = root
        self.variables = Variables(root, folder, given)
        self.not_taken: list[NotTaken] = []
        self.apis: dict[str, ApiCollector] = {}

    def found(self) -> FoundApis:
        """Return the routes of all APIs."""
        for function in self._functions():
            for event in self._events(function):
                for kind in KINDS:
                    if kind in event:
                        self._event(kind, event[kind], event.place(kind))
        title = self._name()
        for api in self.apis.values():
            api.name = title if len(self.apis) == 1 else f"{title} {api.kind}"
        notes = list(dict.fromkeys(self.variables.notes))
        resources = block_at(self.root, "resources", "Resources").values()
        if any(str(block_at({"": each}, "").get("Type")).startswith("AWS::ApiGateway") for each in resources):
            notes.append(
                "`resources` declares parts of an API as CloudFormation does: read the template that `serverless package` writes as well"
            )
        return FoundApis({kind: api.found() for kind, api in self.apis.items()}, tuple(self.not_taken), tuple(notes))

    def _name(self) -> str:
        service = self.root.get("service")
        try:
            return self.variables.text(service.get("name") if isinstance(service, Mapping) else service)
        except UnknownValueError:
            return "api"

    def _known(self, value: Any, place: str) -> Any:
        try:
            return self.variables.value(value)
        except UnknownValueError as error:
            self.not_taken.append(NotTaken(place, str(error)))
            return None

    def _functions(self) -> Iterator[Block]:
        """Yield the functions of a mapping, or of a list of mappings. Any of them may stand in another file."""
        top = self.root.place("functions")
        written = self._known(self.root["functions"], top)
        for group in written if isinstance(written, list) else [written]:
            functions = self._known(group, top)
            for name, value in functions.items() if isinstance(functions, Block) else ():
                function = self._known(value, functions.place(name))
                if isinstance(function, Block):
                    yield function

    def _events(self, function: Block) -> Iterator[Block]:
        place = function.place("events")
        events = self._known(function.get("events"), place)
        for written in events if isinstance(events, list) else ():
            event = self._known(written, place)
            # A list of events may be put together of lists.
            for each in event if isinstance(event, list) else [event]:
                inner = self._known(each, place)
                if isinstance(inner, Block):
                    yield inner

    def _event(self, kind: str, written: Any, place: str) -> None:
        api = self.apis.setdefault(kind, ApiCollector("", KINDS[kind]))
        try:
            value = self.variables.value(written)
            if kind == "websocket":
                key = value.get("route") if isinstance(value, Mapping) else value
                api.routes.add(WEBSOCKET, self.variables.text(key), place, self._guard(kind, value))
                return
            method, path = self._method_and_path(value)
        except UnknownValueError as error:
            api.routes.skip(place, f"`{kind}`: {error}")
            return
        if kind == "httpApi" and path in ("*", ""):
            method, path = "ANY", DEFAULT_ROUTE
        api.routes.add(method, path or "/", place, self._guard(kind, value))

    def _method_and_path(self, value: Any) -> tuple[str, str]:
        if isinstance(value, Mapping):
            method = self.variables.text(value.get("method", "*"))
            return method, self.variables.text(value.get("path"))
        words = self.variables.text(value).split()
        if words == ["*"]:
            return "ANY", "*"
        if len(words) != 2:
            raise UnknownValueError(f"`{value}` is not a method and a path: write it as in `GET pets/{{petId}}`")
        return words[0], words[1]

    def _guard(self, kind: str, value: Any) -> Guard:
        if not isinstance(value, Mapping):
            return Guard.NONE
        try:
            authorizer = self.variables.value(value.get("authorizer"))
            if authorizer is None:
                return Guard.OTHER if self.variables.value(value.get("private")) in (True, "true") else Guard.NONE
            if isinstance(authorizer, Mapping):
                texts = {key: self.variables.text(each) for key, each in authorizer.items() if key in ("type", "name", "arn", "id")}
            else:
                texts = {"name": self.variables.text(authorizer)}
            if kind == "httpApi":
                return self._http_guard(texts)
        except UnknownValueError:
            return Guard.UNKNOWN
        words = (texts.get("type", "").lower(), texts.get("name", "").lower())
        other = {"aws_iam", "cognito_user_pools"} & {*words} or any(_COGNITO in each for each in texts.values())
        return Guard.OTHER if other else Guard.AUTHORIZER

    def _http_guard(self, texts: Mapping[str, str]) -> Guard:
        """Return what guards a route of an HTTP API: `provider.httpApi.authorizers` says of a name what it stands for."""
        kind = texts.get("type", "").lower()
        if texts.get("name") == "aws_iam" or kind == "aws_iam":
            return Guard.OTHER
        provider = self.variables.value(self.root.get("provider"))
        declared = block_at(provider, "httpApi", "authorizers", texts.get("name", ""))
        kind = kind or str(self.variables.value(declared.get("type")) or "").lower()
        if kind == "request" or "functionName" in declared or "functionArn" in declared:
            return Guard.AUTHORIZER
        return Guard.OTHER if kind == "jwt" or "issuerUrl" in declared or "id" in texts else Guard.UNKNOWN

"""Routes as another source than the document knows them: an OpenAPI file, a template, what is deployed. Importers find them, `drift` compares them."""

from dataclasses import dataclass
from enum import StrEnum

from authorizer.policy.route import RouteTemplate


class Guard(StrEnum):
    """What a source says of a route's protection."""

    AUTHORIZER = "authorizer"
    """A Lambda authorizer, or a security requirement that stands for one."""

    OTHER = "other"
    """Something that is no Lambda authorizer: IAM, a JWT or Cognito authorizer, an API key."""

    NONE = "none"
    """Nothing guards it."""

    OPEN = "open"
    """The source says on purpose that it is open: `security: []`, `Authorizer: NONE`."""

    UNKNOWN = "unknown"
    """The source does not say."""


@dataclass(frozen=True, slots=True, order=True)
class NotTaken:
    """Something of the source that the document does not say. `place` is a line, a JSON Pointer or a name in the source; `reason` ends with the remedy."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """One route of a source. `written` is how the source writes it (`get /pets`), `place` where: `swagger.yaml:12`, `/paths/~1pets/get`."""

    route: RouteTemplate
    guard: Guard
    written: str
    place: str


@dataclass(frozen=True, slots=True)
class FoundRoutes:
    """All routes of one API of a source. `name` is what the source calls the API, `kind` is `rest`, `http` or `websocket`, or empty where nothing tells.

    `stage` is the stage that serves them, empty for a source that is not deployed.
    """

    name: str
    routes: tuple[FoundRoute, ...]
    not_taken: tuple[NotTaken, ...] = ()
    kind: str = ""
    notes: tuple[str, ...] = ()
    stage: str = ""

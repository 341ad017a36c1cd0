"""OpenID AuthZEN Authorization API 1.0: decisions for whoever asks over HTTP, with the same meaning as the authorizer's.

A `subject` of type `user` has its `sub` as id and its groups under `properties.groups`; `group` and `client` are named by their id, a client's scopes are
under `properties.scopes`. More claims may stand under `properties.claims`. An `action` is a method, a `resource` of type `route` has a path as id
and the API's name under `properties.api`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from admin_api.history import NotPublishedError, Published
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.problems import BAD_REQUEST, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, ProblemError
from authorizer.policy.explanation import explain
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import Problem

MAX_EVALUATIONS = 100


class Lenient(BaseModel):
    """Fields that are not known are passed over, as section 4 of the specification asks."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Subject(Lenient):
    """Section 4.1."""

    type: str = Field(min_length=1)
    id: str = Field(min_length=1)
    properties: dict[str, Any] = {}


class Resource(Lenient):
    """Section 4.2."""

    type: str = Field(min_length=1)
    id: str
    properties: dict[str, Any] = {}


class Action(Lenient):
    """Section 4.3."""

    name: str = Field(min_length=1)
    properties: dict[str, Any] = {}


class EvaluationRequest(Lenient):
    """Section 5.1."""

    subject: Subject
    action: Action
    resource: Resource
    context: dict[str, Any] = {}


class Part(Lenient):
    """One evaluation of several: what is missing comes from the request around it (section 6.1)."""

    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: dict[str, Any] | None = None


class Semantic(StrEnum):
    """When to stop (section 6.1.2)."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(Lenient):
    """Section 6.1.2."""

    model_config = ConfigDict(extra="ignore")

    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class EvaluationsRequest(Part):
    """Section 6.1. Without `evaluations` it is a request for one."""

    evaluations: list[Part] = Field(default=[], max_length=MAX_EVALUATIONS)
    options: Options = Options()


class Evaluation(BaseModel):
    """Section 5.2. `context` says why."""

    model_config = ConfigDict(extra="forbid")

    decision: bool
    context: dict[str, Any]


class Evaluations(BaseModel):
    """Section 6.2: in the order of the request, as far as the semantic went. One alone is answered as `evaluation` does."""

    model_config = ConfigDict(extra="forbid")

    evaluations: list[Evaluation] | None = None
    decision: bool | None = None
    context: dict[str, Any] | None = None


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    problems = (BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)

    @endpoints.add("POST", "/access/v1/evaluation", Meta("AuthZEN: one decision", "authzen", problems))
    def evaluate(request: EvaluationRequest) -> Response[Evaluation]:
        """What reading the document of the API costs. Writes nothing."""
        return answer(
            _Evaluator(endpoints).decide(_Question(request.subject, request.action, request.resource)), headers=_request_id(endpoints)
        )

    @endpoints.add("POST", "/access/v1/evaluations", Meta("AuthZEN: several decisions", "authzen", problems))
    def evaluate_several(request: EvaluationsRequest) -> Response[Evaluations]:
        """What reading the document costs, once for each API. Writes nothing."""
        evaluator = _Evaluator(endpoints)
        if not request.evaluations:
            single = evaluator.decide(_complete(request, request, ""))
            return answer(Evaluations(decision=single.decision, context=single.context), headers=_request_id(endpoints))
        questions = [_complete(part, request, f"/evaluations/{index}") for index, part in enumerate(request.evaluations)]
        found = list(_until(request.options.evaluations_semantic, questions, evaluator.decide))
        return answer(Evaluations(evaluations=found), headers=_request_id(endpoints))


@dataclass(frozen=True, slots=True)
class _Question:
    subject: Subject
    action: Action
    resource: Resource


class _Evaluator:
    """Decides for one request: each API's document is read once, so that all answers are of one version."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._published: dict[str, Published | None] = {}

    def decide(self, question: _Question) -> Evaluation:
        """A decision. What nobody can grant, such as an unknown API or type, is denied and says so."""
        api = question.resource.properties.get("api")
        refs = _refs(question.subject)
        if question.resource.type != "route" or not isinstance(api, str):
            return _denied("unknown_resource", "resources are of type `route`, with the API's name under `properties.api`")
        if refs is None:
            return _denied("unknown_subject", "subjects are of type `user`, `group` or `client`, with lists of names under `properties`")
        published = self._read(api)
        if published is None:
            return _denied("unknown_api", f"API `{api}` has nothing published")
        claims = {name: value for name, value in _claims(question.subject).items() if isinstance(value, str)}
        found = explain(published.document, refs, claims, question.action.name, question.resource.id, self._endpoints.now())
        context = {"reason": found.decision.reason.value, "sentence": str(found), "version": published.head.version}
        return Evaluation(decision=found.decision.allowed, context=context | {"determining": [str(held) for held in found.determining]})

    def _read(self, api: str) -> Published | None:
        if api not in self._published:
            try:
                self._published[api] = self._endpoints.service.published(api)
            except NotPublishedError:
                self._published[api] = None
        return self._published[api]


def _complete(part: Part, around: Part, pointer: str) -> _Question:
    """A part with what it leaves to the request around it. Raises `ProblemError` if something is in neither."""
    subject, action, resource = part.subject or around.subject, part.action or around.action, part.resource or around.resource
    if subject is None or action is None or resource is None:
        parts = {"subject": subject, "action": action, "resource": resource}
        problems = [Problem(f"{pointer}/{name}", "it is missing, here and at the top") for name, value in parts.items() if value is None]
        raise ProblemError(BAD_REQUEST, "an evaluation needs `subject`, `action` and `resource`", problems)
    return _Question(subject, action, resource)


def _until(semantic: Semantic, questions: list[_Question], decide: Callable[[_Question], Evaluation]) -> Iterator[Evaluation]:
    stops = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}
    for question in questions:
        found = decide(question)
        yield found
        if stops.get(semantic) is found.decision:
            return


def _refs(subject: Subject) -> list[PrincipalRef] | None:
    groups, scopes = subject.properties.get("groups", []), subject.properties.get("scopes", [])
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (groups, scopes)):
        return None
    if subject.type == "user":
        return [PrincipalRef(RefKind.GROUP, name) for name in groups]
    if subject.type == "group":
        return [PrincipalRef(RefKind.GROUP, subject.id)]
    if subject.type == "client":
        return [PrincipalRef(RefKind.CLIENT, subject.id), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes)]
    return None


def _claims(subject: Subject) -> dict[str, Any]:
    given = subject.properties.get("claims", {})
    own = {"user": {"sub": subject.id}, "client": {"sub": subject.id, "client_id": subject.id}}.get(subject.type, {})
    return {**(given if isinstance(given, dict) else {}), **own}


def _denied(reason: str, sentence: str) -> Evaluation:
    return Evaluation(decision=False, context={"reason": reason, "sentence": sentence})


def _request_id(endpoints: Endpoints) -> dict[str, str]:
    """The caller's own name for the request, given back (section 10.1.4)."""
    sent = endpoints.event["headers"].get("x-request-id")
    return {"X-Request-ID": sent} if isinstance(sent, str) and sent.isascii() and sent.isprintable() and len(sent) <= 200 else {}

"""OpenID AuthZEN Authorization API 1.0: decisions for whoever asks over HTTP, with the same meaning as the authorizer's.

A `subject` of type `user` has its `sub` as id and its groups under `properties.groups`; `group` and `client` are named by their id, a client's scopes are
under `properties.scopes`. More claims of the token may stand under `properties.claims`, for a user also `client_id` and `scope`, and its groups are taken from
there too. An `action` is a method, a
`resource` of type `route` has a path as id and the API's name under `properties.api`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from admin_api.analysis.explanation import explain_to
from admin_api.analysis.trusted_issuers import RefusedTokenError, TrustedIssuers, bearer_of, prefix_of
from admin_api.publishing.lockout import ADMIN_API
from admin_api.publishing.service import NotPublishedError, Published
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.problems import BAD_REQUEST, BODY_TOO_LARGE, INVALID_REQUEST, ProblemError
from authorizer.policy.document import API_NAME
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import Problem

MAX_EVALUATIONS = 100

MAX_PATH = 2000
"""Characters of a path, or of a method: each answer repeats them."""


class Lenient(BaseModel):
    """Fields that are not known are passed over, as section 10.1.1 of the specification asks."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Subject(Lenient):
    """Section 5.1."""

    type: str = Field(min_length=1)
    id: str = Field(min_length=1)
    properties: dict[str, Any] = {}


class Resource(Lenient):
    """Section 5.2."""

    type: str = Field(min_length=1)
    id: str = Field(max_length=MAX_PATH)
    properties: dict[str, Any] = {}


class Action(Lenient):
    """Section 5.3."""

    name: str = Field(min_length=1, max_length=MAX_PATH)
    properties: dict[str, Any] = {}


class EvaluationRequest(Lenient):
    """Section 6.1."""

    subject: Subject
    action: Action
    resource: Resource
    context: dict[str, Any] = {}


class Part(Lenient):
    """One evaluation of several: what is missing comes from the request around it (section 7.1.1)."""

    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: dict[str, Any] | None = None


class Semantic(StrEnum):
    """When to stop (section 7.1.2.1)."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


class Options(Lenient):
    """Section 7.1.2."""

    # Strict means a member of the enumeration, which JSON has no way to write.
    evaluations_semantic: Semantic = Field(default=Semantic.EXECUTE_ALL, strict=False)


class EvaluationsRequest(Part):
    """Section 7.1. Without `evaluations` it is a request for one.

    Each evaluation has the fields of this request but for `evaluations` and `options`. They are looked into one by one: what is wrong with one of them
    is an answer to that one (section 7.2.1).
    """

    evaluations: list[dict[str, Any]] = Field(default=[], max_length=MAX_EVALUATIONS)
    options: Options = Options()


class Evaluation(BaseModel):
    """Section 5.5. `context` says why."""

    model_config = ConfigDict(extra="forbid")

    decision: bool
    context: dict[str, Any]


class Evaluations(BaseModel):
    """Section 7.2: in the order of the request, as far as the semantic went. One alone is answered as `evaluation` does."""

    model_config = ConfigDict(extra="forbid")

    evaluations: list[Evaluation] | None = None
    decision: bool | None = None
    context: dict[str, Any] | None = None


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    problems, never = (BODY_TOO_LARGE,), (INVALID_REQUEST,)

    @endpoints.add("POST", "/access/v1/evaluation", Meta("AuthZEN: one decision", "authzen", problems, tagged=False, never=never))
    def evaluate(request: EvaluationRequest) -> Response[Evaluation]:
        """What reading the document of the API costs. Writes nothing."""
        return answer(_Evaluator(endpoints).decide(_Question(request.subject, request.action, request.resource)))

    @endpoints.add("POST", "/access/v1/evaluations", Meta("AuthZEN: several decisions", "authzen", problems, tagged=False, never=never))
    def evaluate_several(request: EvaluationsRequest) -> Response[Evaluations]:
        """What reading the document costs, once for each API. Writes nothing."""
        evaluator = _Evaluator(endpoints)
        if not request.evaluations:
            single = evaluator.decide(_complete(request, request))
            return answer(Evaluations(decision=single.decision, context=single.context))

        def decide(part: dict[str, Any]) -> Evaluation:
            try:
                return evaluator.decide(_complete(Part.model_validate(part), request))
            except ValidationError as error:
                return _unusable([f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()])
            except ProblemError as error:
                return _unusable([str(problem) for problem in error.problems])

        return answer(Evaluations(evaluations=list(_until(request.options.evaluations_semantic, request.evaluations, decide))))


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
        """Return a decision. What nobody can grant, such as an unknown API or type, is denied and says so."""
        api = question.resource.properties.get("api")
        refs = _refs(question.subject)
        if question.resource.type != "route" or not isinstance(api, str):
            return _denied("unknown_resource", "resources are of type `route`, with the API's name under `properties.api`")
        if refs is None:
            return _denied("unknown_subject", "subjects are of type `user`, `group` or `client`, with lists of names under `properties`")
        published = self._read(api)
        if published is None:
            return _denied("unknown_api", "the API has nothing published")
        try:
            bearer = bearer_of(_claims(question.subject, refs, self._endpoints.service.issuers), refs, self._endpoints.service.issuers)
        except RefusedTokenError as error:
            return _denied("refused_token", str(error))
        found = explain_to(bearer, published.document, question.action.name, question.resource.id, self._endpoints.now())
        context = {"reason": found.decision.reason.value, "sentence": str(found), "version": published.head.version}
        context |= {"determining": [str(held) for held in found.determining]}
        return Evaluation(decision=found.decision.allowed, context=context | ({"notes": list(found.notes)} if found.notes else {}))

    def _is_open(self, api: str) -> bool:
        """Who may do what to the admin API itself is told at its own routes only, which are granted apart."""
        return API_NAME.fullmatch(api) is not None and api != ADMIN_API

    def _read(self, api: str) -> Published | None:
        if api not in self._published:
            try:
                self._published[api] = self._endpoints.service.published(api) if self._is_open(api) else None
            except NotPublishedError:
                self._published[api] = None
        return self._published[api]


def _complete(part: Part, around: Part) -> _Question:
    """Return a part with what it leaves to the request around it. Raises `ProblemError` if something is in neither."""
    subject, action, resource = part.subject or around.subject, part.action or around.action, part.resource or around.resource
    if subject is None or action is None or resource is None:
        parts = {"subject": subject, "action": action, "resource": resource}
        problems = [Problem(f"/{name}", "it is missing") for name, value in parts.items() if value is None]
        raise ProblemError(BAD_REQUEST, "an evaluation needs `subject`, `action` and `resource`", problems)
    return _Question(subject, action, resource)


def _until(semantic: Semantic, parts: list[dict[str, Any]], decide: Callable[[dict[str, Any]], Evaluation]) -> Iterator[Evaluation]:
    stops = {Semantic.DENY_ON_FIRST_DENY: False, Semantic.PERMIT_ON_FIRST_PERMIT: True}
    for part in parts:
        found = decide(part)
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


def _claims(subject: Subject, refs: list[PrincipalRef], trusted: TrustedIssuers) -> dict[str, Any]:
    """Return the claims that are given, and those that the subject's id says. A client's id has its issuer's name before it, its claims have not."""
    given = subject.properties.get("claims", {})
    claims = given if isinstance(given, dict) else {}
    if subject.type == "user":
        return {**claims, "sub": subject.id}
    if subject.type == "client":
        prefix = f"{prefix_of(refs[0])}:"
        id_ = subject.id.removeprefix(prefix) if any(issuer.name for issuer in trusted.minting(refs[0])) else subject.id
        return {**claims, "sub": id_, "client_id": id_}
    return claims


def _denied(reason: str, sentence: str) -> Evaluation:
    return Evaluation(decision=False, context={"reason": reason, "sentence": sentence})


def _unusable(mistakes: list[str]) -> Evaluation:
    """Return the answer to one evaluation of several that cannot be read."""
    message = "; ".join(mistakes)[:MAX_PATH]
    return Evaluation(decision=False, context={"reason": "bad_request", "error": {"status": 400, "message": message}})

"""Asks all questions of a stack and collects what comes back."""

import time
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from infra.probe.calls import Caller, CallError, Place
from infra.probe.findings import Finding, find, unanswered
from infra.probe.questions import Api, Question
from infra.probe.stack import ProbeStack

READY_SECONDS = 180
"""How long an API may take until it lets through what its authorizer allows."""

_STAGE = "probe"
_IDS = {Api.REST: "RestApiId", Api.HTTP: "HttpApiId", Api.WEBSOCKET: "SocketApiId"}


def places_of(stack: ProbeStack, region: str, endpoint: str | None) -> dict[Api, Place]:
    """Return where the stack's APIs are. `endpoint` is the address of an emulator that stands for AWS, None for AWS."""
    places = {}
    for api, output in _IDS.items():
        api_id = stack.outputs[output]
        if endpoint is None:
            places[api] = Place(f"https://{api_id}.execute-api.{region}.{stack.outputs['Suffix']}/{_STAGE}")
        else:
            places[api] = Place(f"{endpoint}/{_STAGE}", f"{api_id}.execute-api.localhost:{urlsplit(endpoint).port}")
    return places


def ask_all(
    questions: Iterable[Question], caller: Caller, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Finding]:
    """Yield what is found, a question at a time. An API that does not come up leaves its questions unanswered; no surprise ends the run."""
    ready: dict[Api, bool] = {}
    for question in questions:
        if question.api not in ready:
            ready[question.api] = _comes_up(caller, question.api, clock, sleep)
        if not ready[question.api]:
            yield unanswered(question, f"the {question.api} API refused for {READY_SECONDS} s what its authorizer allows")
            continue
        try:
            yield find(question, caller.ask(question))
        except CallError as error:
            yield unanswered(question, str(error))


def _comes_up(caller: Caller, api: Api, clock: Callable[[], float], sleep: Callable[[float], None]) -> bool:
    deadline = clock() + READY_SECONDS
    while not caller.is_ready(api):
        if clock() > deadline:
            return False
        sleep(3)
    return True

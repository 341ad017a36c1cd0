"""What is measured: a handler on 300 routes in three groups, and tokens that nobody has seen."""

import gc
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any
from unittest import mock

import boto3
from moto import mock_aws

from authorizer.request_loop import Handler
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from tests.conftest import REGION
from tests.integration.gates import KeyServer, settings_of
from tests.support.events import Event, rest_request_event
from tests.support.issuer import NOW, Issuer
from tests.support.tables import TABLE, create_table, open_table, publish

ROUTES = [f"{verb} /service{n // 10}/resource{n}/{{id}}" for n in range(75) for verb in ("GET", "POST", "PUT", "DELETE")]
GROUPS = tuple(f"team{n}" for n in range(3))
DOCUMENT = {"api": "petstore", "routes": ROUTES, "groups": {group: {"allow": ROUTES[n::3]} for n, group in enumerate(GROUPS)}}
TEMPLATE = "/service3/resource33/{id}"


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def silence() -> Iterator[io.StringIO]:
    """Let the standard output go nowhere."""
    with redirect_stdout(_Nowhere()) as nowhere:
        yield nowhere


@contextmanager
def handler(issuer: Issuer, document: dict[str, Any], **settings: str) -> Iterator[Handler]:
    """A handler that says what it says to nobody."""
    with handlers(issuer, document, **settings) as (handle,):
        yield handle


@contextmanager
def handlers(issuer: Issuer, *documents: dict[str, Any], **settings: str) -> Iterator[list[Handler]]:
    """A handler for each document, all of which lie in one table."""
    with KeyServer(issuer.jwks()).running() as keys, mock_aws(), silence() as nowhere:
        create_table(boto3.Session().client("dynamodb", region_name=REGION), TABLE)
        open_table(TABLE, REGION)
        handles = []
        for document in documents:
            # moto copies the whole table for each transaction, so as to take it back, which takes longer with each.
            with mock.patch("moto.dynamodb.models.copy", mock.Mock(deepcopy=lambda value: value)):
                publish(document)
            environment = settings_of(keys, POLICY_REFRESH_SECONDS="3600", API=document["api"], **settings)
            handles.append(build_handler(read_settings(environment), lambda: NOW))
        for log_handler in logging.getLogger("gatebook").handlers:
            assert isinstance(log_handler, logging.StreamHandler)
            log_handler.stream = nowhere
        with frozen():
            yield handles


@contextmanager
def frozen() -> Iterator[None]:
    """Leave what there is out of the search for garbage, as `authorizer.handler` does: what the tests' own libraries hold is nothing to a request."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def call(token: str, template: str = TEMPLATE) -> Event:
    """A request with this token for the resource `7` of a template."""
    return rest_request_event("GET", template.replace("{id}", "7"), template, headers=[("Authorization", f"Bearer {token}")])


def unseen_tokens(issuer: Issuer, count: int) -> Iterator[str]:
    """Return so many different tokens of one user who is in all groups.

    They are signed before the first is taken: signing leaves nothing else in a processor's caches.
    """
    return iter([issuer.access_token(*GROUPS, jti=f"jti{number}") for number in range(count)])

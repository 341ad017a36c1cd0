"""The gateway's ids are read where they are, and nothing else is taken for one."""

from typing import Any

import pytest

from authorizer.events.request_ids import read_request_ids
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event


@pytest.mark.parametrize(
    ("event", "ids"),
    [
        (rest_request_event(), {"requestId": "8f1c6b9e-0000-4000-8000-000000000001", "extendedRequestId": "ZyXwVu="}),
        (rest_token_event(), {}),
        (http_1_event(), {"requestId": "QwErTy="}),
        (http_2_event(), {"requestId": "QwErTy="}),
        (websocket_event(), {"requestId": "Zz1=", "connectionId": "Zz1="}),
    ],
    ids=["rest_request", "rest_token", "http_1", "http_2", "websocket"],
)
def test_each_format_tells_its_own_ids(event: Event, ids: dict[str, str]) -> None:
    assert read_request_ids(event) == ids


@pytest.mark.parametrize("context", [None, "x", [], {}, {"requestId": None}, {"requestId": 7}, {"requestId": ""}, {"requestId": "x" * 129}])
def test_what_is_no_id_is_left_out(context: Any) -> None:
    assert read_request_ids({"requestContext": context}) == {}


def test_an_event_that_is_no_map_has_no_ids() -> None:
    assert read_request_ids(["requestContext"]) == {}


def test_an_id_may_be_as_long_as_an_access_log_would_take() -> None:
    assert read_request_ids({"requestContext": {"extendedRequestId": "x" * 128}}) == {"extendedRequestId": "x" * 128}

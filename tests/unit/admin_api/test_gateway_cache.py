"""What API Gateway remembers is dropped by the calls that its service models have, against botocore's own stubs of them."""

import logging
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from admin_api.gateway_cache import GatewayCaches

REST = "a1b2c3d4e5/prod"
HTTP = "http:h7h7h7h7h7/$default"


class Gateway:
    """Stubbed clients of both services: a call that nobody expects fails, and so does a parameter that the service model lacks."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        services = ("apigateway", "apigatewayv2")
        keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        self.clients = {name: session.create_client(name, **keys) for name in services}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.made: list[str] = []
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str) -> Any:
        self.made.append(service)
        return self.clients[service]

    def expects_rest(self, api_id: str, stage: str) -> None:
        self.stubs["apigateway"].add_response("flush_stage_authorizers_cache", {}, {"restApiId": api_id, "stageName": stage})

    def expects_http(self, api_id: str, stage: str) -> None:
        self.stubs["apigatewayv2"].add_response("reset_authorizers_cache", {}, {"ApiId": api_id, "StageName": stage})

    def all_were_made(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def test_each_kind_of_stage_is_flushed_by_its_own_call(gateway: Gateway) -> None:
    caches = GatewayCaches({"petstore": (REST, HTTP, "b2b2b2b2b2/v1"), "shop": ("c3c3c3c3c3/v1",)}, gateway.client)
    gateway.expects_rest("a1b2c3d4e5", "prod")
    gateway.expects_http("h7h7h7h7h7", "$default")
    gateway.expects_rest("b2b2b2b2b2", "v1")
    assert caches.flush("petstore") == (REST, HTTP, "b2b2b2b2b2/v1")
    gateway.all_were_made()
    assert gateway.made == ["apigateway", "apigatewayv2"]


def test_an_api_without_stages_costs_no_client(gateway: Gateway) -> None:
    assert GatewayCaches({"petstore": (REST,)}, gateway.client).flush("shop") == ()
    assert gateway.made == []


@pytest.mark.parametrize(("failing", "flushed"), [("apigateway", (HTTP,)), ("apigatewayv2", (REST,))])
def test_a_stage_that_fails_is_left_out_and_logged(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, failing: str, flushed: tuple[str, ...]
) -> None:
    """The change is made by then: it must not look as if it was not."""
    operation = {"apigateway": "flush_stage_authorizers_cache", "apigatewayv2": "reset_authorizers_cache"}[failing]
    gateway.stubs[failing].add_client_error(operation, "NotFoundException", "Invalid stage identifier specified", 404)
    if failing == "apigateway":
        gateway.expects_http("h7h7h7h7h7", "$default")
    else:
        gateway.expects_rest("a1b2c3d4e5", "prod")
    with caplog.at_level(logging.WARNING):
        assert GatewayCaches({"petstore": (REST, HTTP)}, gateway.client).flush("petstore") == flushed
    gateway.all_were_made()
    [record] = caplog.records
    assert (record.message, record.__dict__["api"]) == ("flush", "petstore")
    assert "Invalid stage" in record.__dict__["detail"]


def test_the_clients_of_a_function_give_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    config = GatewayCaches({}).client("apigatewayv2").meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (1, 3, 2)

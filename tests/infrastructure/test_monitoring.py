"""`infra/monitoring.yaml`: each alarm rings for what the real authorizer does when its condition is there, and for nothing else; each leads to the runbook."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from authorizer.request_log import Metric
from tests.architecture.readme import Page
from tests.infrastructure.dashboard import PICTURE, picture
from tests.infrastructure.templates import values, written
from tests.integration.gates import Gate, KeyServer, bearer, build_gate, keys, published, request_event
from tests.support.alarms import Metrics, state
from tests.support.aws_calls import AwsCalls, error
from tests.support.clock import Clock
from tests.support.events import Event
from tests.support.issuer import NOW
from tests.support.tables import Table

__all__ = ["keys", "published"]

TEMPLATE = "monitoring.yaml"
ROOT = Path(__file__).parents[2]
RUNBOOK = Page((ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"))
FUNCTION = "petstore-authorizer"
GIVEN = {
    "Api": "petstore",
    "FunctionName": FUNCTION,
    "DashboardName": "petstore",
    "RunbookUrl": "https://wiki.example/runbook.md",
    "AWS::Region": "eu-west-1",
    "UnauthorizedPerMinute": 5,
    "DeniedPerMinute": 5,
}


def resolved(tree: Any, given: dict[str, Any]) -> Any:
    """A part of the template with all references and conditions worked out."""
    if isinstance(tree, list):
        found = [resolved(item, given) for item in tree]
        return [item for item in found if item is not None]
    if not isinstance(tree, dict):
        return tree
    if "Ref" in tree:
        return None if tree["Ref"] == "AWS::NoValue" else given[tree["Ref"]]
    if "Fn::If" in tree:
        condition, then, otherwise = tree["Fn::If"]
        holds = {"HasAlias": given["FunctionAlias"] != "", "HasAlarmTopic": given["AlarmTopicArn"] != ""}[condition]
        return resolved(then if holds else otherwise, given)
    if "Fn::Sub" in tree:
        told = re.sub(r"\$\{([A-Za-z:]+)(\.Arn)?\}", lambda m: f"arn:{m[1]}" if m[2] else str(given[m[1]]), tree["Fn::Sub"])
        return told.replace("${!", "${")
    return {key: value for key, item in tree.items() if (value := resolved(item, given)) is not None}


def parameters(**more: Any) -> dict[str, Any]:
    return {name: told.get("Default") for name, told in written(TEMPLATE)["Parameters"].items()} | GIVEN | more


def alarms(**more: Any) -> dict[str, dict[str, Any]]:
    found = {name: told for name, told in written(TEMPLATE)["Resources"].items() if told["Type"] == "AWS::CloudWatch::Alarm"}
    return {name: resolved(told["Properties"], parameters(**more)) for name, told in found.items()}


@dataclass(slots=True)
class Account:
    """An authorizer under Lambda, and what CloudWatch knows of it."""

    gate: Gate
    clock: Clock
    metrics: Metrics = field(default_factory=Metrics)

    def request(self, event: Event) -> None:
        """One invocation, with what Lambda measures of each."""
        began, errors = self.clock.now, 0
        try:
            self.gate.call(event)
        except Exception:  # noqa: BLE001  # Lambda counts it, whatever it is
            errors = 1
        measured = {"Invocations": 1, "Errors": errors, "Duration": (self.clock.now - began) * 1000}
        for name, value in measured.items():
            self.metrics.put("AWS/Lambda", name, {"FunctionName": FUNCTION}, value, began)
        self.metrics.take(self.gate.metrics, began)

    def minutes(self, count: int, *events: Event) -> None:
        """The same requests in each of some minutes."""
        for _ in range(count):
            for event in events:
                self.request(event)
            self.clock.now = (self.clock.now // 60 + 1) * 60

    def ringing(self) -> set[str]:
        return {name for name, alarm in alarms().items() if state(alarm, self.metrics, self.clock.now) == "ALARM"}


Build = Callable[..., Account]


@pytest.fixture
def build(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Build:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
    return lambda **settings: Account(build_gate(keys, clock, capsys, **settings), clock)


@pytest.fixture
def account(build: Build) -> Account:
    account = build()
    account.minutes(1, GOOD)
    return account


def guest(**more: Any) -> Event:
    return request_event(bearer("guest", exp=NOW + 20_000), **more)


GOOD = guest()
FORBIDDEN = guest(verb="POST")
EXPIRED = request_event(bearer("guest", exp=NOW - 1))


def test_a_healthy_hour_rings_nothing(account: Account) -> None:
    """A few people are denied and a few tokens have expired, as ever."""
    seen: set[str] = set()
    for _ in range(20):
        account.minutes(1, GOOD, FORBIDDEN, EXPIRED, GOOD)
        seen |= account.ringing()
    assert seen == set()


def test_nobody_calling_rings_where_that_is_asked_for(account: Account) -> None:
    account.minutes(15, GOOD)
    assert account.ringing() == set()
    account.minutes(15)
    assert account.ringing() == {"Silence"}
    assert written(TEMPLATE)["Resources"]["Silence"]["Condition"] == "AlarmsOnSilence"


def test_a_table_that_is_gone_rings_while_old_permissions_serve_and_louder_after(account: Account, wire: AwsCalls) -> None:
    wire.rule = lambda _call: error("AccessDeniedException")
    account.minutes(2, GOOD)
    assert account.ringing() == {"StaleServed", "HeadAge"}
    account.minutes(6, GOOD)
    assert account.ringing() == {"Trouble", "Errors"}
    wire.rule = None
    account.minutes(2, GOOD)
    assert account.ringing() == set()


def test_an_issuer_that_is_gone_rings_before_its_keys_are_too_old(account: Account, keys: KeyServer, clock: Clock) -> None:
    clock.advance(3_600)
    keys.status = 503
    account.minutes(2, GOOD)
    assert account.ringing() == {"KeyFetchFailures"}
    clock.advance(3_600)
    account.minutes(2, GOOD)
    assert account.ringing() == {"KeyFetchFailures", "Trouble", "Errors"}


@pytest.mark.parametrize(("event", "alarm"), [(EXPIRED, "UnauthorizedSurge"), (FORBIDDEN, "DeniedSurge")])
def test_a_surge_rings_when_it_lasts(account: Account, event: Event, alarm: str) -> None:
    account.minutes(2, *[event] * 5)
    assert account.ringing() == set()
    account.minutes(1, *[event] * 5)
    assert account.ringing() == {alarm}
    account.minutes(1, *[event] * 4)
    assert account.ringing() == set()


def test_answers_that_speak_of_less_ring_when_they_last(build: Build) -> None:
    account = build(CACHE_SCOPE="route")
    narrowed = request_event(bearer("owner", exp=NOW + 20_000), path="/files/a/b")
    account.minutes(10, narrowed)
    assert account.ringing() == set()
    account.minutes(5, narrowed)
    assert account.ringing() == {"ScopeFallbacks"}


def test_a_route_that_the_catalogue_lacks_rings(account: Account) -> None:
    account.minutes(1, request_event(bearer("admin", exp=NOW + 20_000), path="/new", template="/new"))
    assert account.ringing() == {"CatalogueDrift"}


def test_calls_that_take_nearly_the_whole_time_ring(account: Account, wire: AwsCalls, clock: Clock) -> None:
    def slow(_call: object) -> None:
        clock.advance(seconds)

    wire.rule = slow
    seconds = 7.1
    account.minutes(2, GOOD)
    assert account.ringing() == set()
    seconds = 7.3
    account.minutes(2, GOOD)
    assert account.ringing() == {"Duration"}


def test_a_call_that_lambda_turns_away_rings(account: Account) -> None:
    account.metrics.put("AWS/Lambda", "Throttles", {"FunctionName": FUNCTION}, 1, account.clock.now - 1)
    assert account.ringing() == {"Throttles"}


def test_another_function_of_the_same_api_rings_nothing_here(account: Account, wire: AwsCalls) -> None:
    wire.rule = lambda _call: error("AccessDeniedException")
    account.minutes(2, GOOD)
    others = alarms(FunctionName="petstore-other")
    assert {name for name, alarm in others.items() if state(alarm, account.metrics, account.clock.now) == "ALARM"} == {"Silence"}


def test_with_an_alias_lambdas_metrics_are_those_of_the_alias() -> None:
    for alarm in alarms(FunctionAlias="live").values():
        for node in values(alarm):
            if isinstance(node, dict) and node.get("Namespace") == "AWS/Lambda":
                assert {"Name": "Resource", "Value": f"{FUNCTION}:live"} in node["Dimensions"]


def test_each_alarm_leads_to_its_section_of_the_runbook_and_notifies() -> None:
    linked = set()
    for alarm in alarms(AlarmTopicArn="arn:topic").values():
        [anchor] = re.findall(r"https://wiki\.example/runbook\.md#([a-z-]+)$", alarm["AlarmDescription"])
        linked.add(anchor)
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["arn:topic"]
    sections = re.findall(r"^## (.+)$", RUNBOOK.prose, re.MULTILINE)
    assert linked == {section.lower().replace(" ", "-") for section in sections}
    assert linked <= RUNBOOK.anchors()


def test_each_section_of_the_runbook_has_symptom_look_and_remedy() -> None:
    for title in re.findall(r"^## (.+)$", RUNBOOK.prose, re.MULTILINE):
        text = RUNBOOK.section(title).text
        assert [word for word in ("**Symptom.**", "**Look.**", "**Do.**") if word not in text] == [], title


def dashboard() -> list[dict[str, Any]]:
    body = resolved(written(TEMPLATE)["Resources"]["Dashboard"]["Properties"]["DashboardBody"], parameters())
    found: list[dict[str, Any]] = json.loads(body)["widgets"]
    return found


def test_the_dashboard_shows_only_metrics_that_there_are_and_every_alarm() -> None:
    shown = {metric[1] for widget in dashboard() for metric in widget["properties"].get("metrics", []) if metric[0] == "Gatebook"}
    assert shown <= {metric.value for metric in Metric}
    searched = set(re.findall(r'MetricName=\\"(\w+)', json.dumps(dashboard())))
    assert searched == {"denied", "unauthorized"}
    [listed] = [widget["properties"]["alarms"] for widget in dashboard() if widget["type"] == "alarm"]
    assert set(listed) == {f"arn:{name}" for name in alarms()} - {"arn:Silence"}


def test_widgets_neither_overlap_nor_leave_the_page() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard():
        cells = {
            (x, y) for x in range(widget["x"], widget["x"] + widget["width"]) for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert taken.isdisjoint(cells)
        taken |= cells


def test_the_committed_picture_is_what_the_script_draws() -> None:
    assert PICTURE.read_text("utf-8") == picture(), "renew it: python -m tests.infrastructure.dashboard"
    titles = [widget["properties"]["title"] for widget in dashboard() if "title" in widget["properties"]]
    assert [title for title in titles if f">{title}</text>" not in picture()] == []

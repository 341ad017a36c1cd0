"""The line of a decision, which is log line and metrics at once. Powertools writes two, which takes longer than two signature checks.

Names and shapes are those of Powertools' Logger and Metrics, and tests compare with what these write. Metrics ride in a log line as CloudWatch's embedded
metric format allows ("Specification: Embedded metric format", CloudWatch user guide).
"""

import sys
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.functions import is_metrics_disabled

from authorizer.log_json import log_json
from authorizer.settings import trace_id

_LOCATION = "decided"
_MILLISECONDS = "@milliseconds@"


class Measure(NamedTuple):
    """What was measured of a request, for a metric that is no count."""

    name: str
    unit: MetricUnit
    value: float


class DecisionLines:
    """Writes lines to the standard output. `metrics` says how counts are told, and `own` are the fields that every line has and metrics are found by.

    Each metric has the dimensions that `metrics` gives it, and besides those of `more`. One that `told_apart` names has a third set of them: those of `more`
    and the field by which it is told apart, such as `reason`.
    """

    def __init__(
        self, metrics: Metrics, own: Mapping[str, str], more: Sequence[str] = (), told_apart: Mapping[str, str] | None = None
    ) -> None:
        self._metrics = metrics
        self._names = frozenset(own)
        self._own = log_json(own)[1:-1]
        self._more = list(more)
        self._told_apart = told_apart or {}
        self._told: dict[tuple[str, ...], tuple[str, str]] = {}

    def write(self, level: str, message: str, fields: str, counted: tuple[str, ...], measured: Sequence[Measure] = ()) -> None:
        """Write a line, and with it one of each metric. `fields` are JSON without the braces around them, and none may have the name of a metric."""
        now = time.time()
        trace = trace_id()
        traced = f',"xray_trace_id":{log_json(trace)}' if trace else ""
        self._print(f'{_head(level, message)}"timestamp":"{_timestamp(now)}",{self._own},{fields}{traced}', counted, measured, now)

    def count(self, fields: str, counted: tuple[str, ...], measured: Sequence[Measure] = ()) -> None:
        """Write one of each metric and nothing else but the `fields` that tell it apart, for whoever wants no lines of this level."""
        if not is_metrics_disabled():
            self._print(f"{{{self._own}{',' if fields else ''}{fields}", counted, measured, time.time())

    def metrics_of(self, counted: tuple[str, ...], measured: Sequence[Measure] = ()) -> dict[str, Any]:
        """Return what tells these metrics in a line that somebody else writes, less the fields that every line has. Empty where metrics are switched off."""
        if is_metrics_disabled():
            return {}
        told = self._serialized(counted, measured)
        told["_aws"] |= {"Timestamp": int(time.time() * 1000)}
        return {name: value for name, value in told.items() if name not in self._names}

    def _print(self, line: str, counted: tuple[str, ...], measured: Sequence[Measure], now: float) -> None:
        known = None if measured else self._told.get(counted)
        before, after = known or self._tell(counted, measured)
        milliseconds = str(int(now * 1000)) if before else ""
        # In one piece: what another thread prints falls before it or behind it.
        sys.stdout.write(f"{line}{before}{milliseconds}{after}}}\n")
        sys.stdout.flush()

    def _tell(self, counted: tuple[str, ...], measured: Sequence[Measure]) -> tuple[str, str]:
        """Return what tells these metrics, less the line's own fields, cut where the time belongs. What was measured is another each time, and not kept."""
        if is_metrics_disabled():
            return "", ""
        told = self._serialized(counted, measured)
        told["_aws"] |= {"Timestamp": _MILLISECONDS}
        before, _, after = log_json({name: value for name, value in told.items() if name not in self._names}).partition(
            f'"{_MILLISECONDS}"'
        )
        pieces = f",{before[1:]}", after[:-1]
        if not measured:
            self._told[counted] = pieces
        return pieces

    def _serialized(self, counted: tuple[str, ...], measured: Sequence[Measure]) -> dict[str, Any]:
        """Return the metrics as Powertools tells them, once for each set of counts, with the dimensions that it has no way to say."""
        for name in counted:
            self._metrics.add_metric(name, MetricUnit.Count, 1)
        for measure in measured:
            self._metrics.add_metric(measure.name, measure.unit, round(measure.value, 3))
        told: dict[str, Any] = dict(self._metrics.serialize_metric_set())
        self._metrics.clear_metrics()
        [directive] = told["_aws"]["CloudWatchMetrics"]
        if self._more:
            directive["Dimensions"].append(self._more)
        apart: dict[str, list[dict[str, str]]] = {}
        for metric in directive["Metrics"]:
            if metric["Name"] in self._told_apart:
                apart.setdefault(self._told_apart[metric["Name"]], []).append(metric)
        told["_aws"]["CloudWatchMetrics"] += [
            {"Namespace": directive["Namespace"], "Dimensions": [[*self._more, field]], "Metrics": metrics}
            for field, metrics in apart.items()
        ]
        return told


@lru_cache(maxsize=4)
def _head(level: str, message: str) -> str:
    return log_json({"level": level, "location": _LOCATION, "message": message})[:-1] + ","


def _timestamp(now: float) -> str:
    before, after = _second(int(now))
    return f"{before},{int(now % 1 * 1000):03d}{after}"


@lru_cache(maxsize=1)
def _second(moment: int) -> tuple[str, str]:
    local = time.localtime(moment)
    return time.strftime("%Y-%m-%d %H:%M:%S", local), time.strftime("%z", local)

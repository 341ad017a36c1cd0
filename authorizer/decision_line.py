"""The line of a decision, which is log line and metrics at once. Powertools writes two, which takes longer than two signature checks.

Names and shapes are those of Powertools' Logger and Metrics, and tests compare with what these write. Metrics ride in a log line as CloudWatch's embedded
metric format allows ("Specification: Embedded metric format", CloudWatch user guide).
"""

import sys
import time
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.functions import is_metrics_disabled

from authorizer.log_json import log_json
from authorizer.settings import trace_id

_LOCATION = "decided"
_MILLISECONDS = "@milliseconds@"


class DecisionLines:
    """Writes lines to the standard output. `metrics` says how counts are told, and `own` are its dimensions, which every line has."""

    def __init__(self, metrics: Metrics, own: dict[str, str]) -> None:
        self._metrics = metrics
        self._names = frozenset(own)
        self._own = log_json(own)[1:-1]
        self._told: dict[tuple[str, ...], tuple[str, str]] = {}

    def write(self, level: str, message: str, fields: str, counted: tuple[str, ...]) -> None:
        """Write a line, and with it one of each metric. `fields` are JSON without the braces around them, and none may have the name of a metric."""
        now = time.time()
        trace = trace_id()
        traced = f',"xray_trace_id":{log_json(trace)}' if trace else ""
        self._print(f'{_head(level, message)}"timestamp":"{_timestamp(now)}",{self._own},{fields}{traced}', counted, now)

    def count(self, counted: tuple[str, ...]) -> None:
        """Write one of each metric, for whoever wants no lines of this level."""
        if not is_metrics_disabled():
            self._print(f"{{{self._own}", counted, time.time())

    def _print(self, line: str, counted: tuple[str, ...], now: float) -> None:
        before, after = self._told.get(counted) or self._tell(counted)
        milliseconds = str(int(now * 1000)) if before else ""
        # In one piece: what another thread prints falls before it or behind it.
        sys.stdout.write(f"{line}{before}{milliseconds}{after}}}\n")
        sys.stdout.flush()

    def _tell(self, counted: tuple[str, ...]) -> tuple[str, str]:
        """Return what tells these counts, less the line's own fields, cut where the time belongs. What it looks like is Powertools' to say, once."""
        if is_metrics_disabled():
            return "", ""
        for name in counted:
            self._metrics.add_metric(name, MetricUnit.Count, 1)
        told: dict[str, Any] = dict(self._metrics.serialize_metric_set())
        self._metrics.clear_metrics()
        told["_aws"] |= {"Timestamp": _MILLISECONDS}
        before, _, after = log_json({name: value for name, value in told.items() if name not in self._names}).partition(
            f'"{_MILLISECONDS}"'
        )
        self._told[counted] = f",{before[1:]}", after[:-1]
        return self._told[counted]


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

"""As much of CloudWatch as alarms need: metrics taken from log lines, and an alarm judged by them as its template says."""

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Dimensions = frozenset[tuple[str, str]]
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
_STATISTICS: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max}
_MISSING = {"notBreaching": False, "breaching": True}


@dataclass(slots=True)
class Metrics:
    """Values by namespace, name and dimensions, each with its time in seconds."""

    stored: dict[tuple[str, str, Dimensions], list[tuple[float, float]]] = field(default_factory=dict)

    def put(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, at: float) -> None:
        """Store one value."""
        self.stored.setdefault((namespace, name, frozenset(dimensions.items())), []).append((at, value))

    def take(self, lines: Iterable[Mapping[str, Any]], at: float) -> None:
        """Store what lines tell in CloudWatch's embedded metric format, under each of the sets of dimensions that they name."""
        for line in lines:
            for told in line["_aws"]["CloudWatchMetrics"]:
                for names in told["Dimensions"]:
                    for metric in told["Metrics"]:
                        for value in line[metric["Name"]]:
                            self.put(told["Namespace"], metric["Name"], {name: line[name] for name in names}, value, at)

    def statistic(self, metric: Mapping[str, Any], statistic: str, begin: float, end: float) -> float | None:
        """Return the statistic of one period, None if there is no value in it."""
        dimensions = frozenset((dimension["Name"], dimension["Value"]) for dimension in metric["Dimensions"])
        stored = self.stored.get((metric["Namespace"], metric["MetricName"], dimensions), [])
        values = [value for at, value in stored if begin <= at < end]
        return _STATISTICS[statistic](values) if values else None


def state(alarm: Mapping[str, Any], metrics: Metrics, now: float) -> str:
    """Return `ALARM` or `OK`: whether each of the last periods breaches the threshold. `alarm` are the properties, with all references resolved."""
    period = alarm["Period"] if "Period" in alarm else alarm["Metrics"][0]["MetricStat"]["Period"]
    threshold, breaches = float(alarm["Threshold"]), _COMPARISONS[alarm["ComparisonOperator"]]
    found = []
    for number in range(alarm["EvaluationPeriods"]):
        end = now - number * int(period)
        value = _value(alarm, metrics, end - int(period), end)
        found.append(_MISSING[alarm["TreatMissingData"]] if value is None else breaches(value, threshold))
    return "ALARM" if all(found) else "OK"


def _value(alarm: Mapping[str, Any], metrics: Metrics, begin: float, end: float) -> float | None:
    if "MetricName" in alarm:
        return metrics.statistic(alarm, alarm["Statistic"], begin, end)
    values = {
        entry["Id"]: metrics.statistic(entry["MetricStat"]["Metric"], entry["MetricStat"]["Stat"], begin, end)
        for entry in alarm["Metrics"]
        if "MetricStat" in entry
    }
    [told] = [entry for entry in alarm["Metrics"] if entry["ReturnData"]]
    return _worked_out(ast.parse(told["Expression"], mode="eval").body, values)


def _worked_out(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    """Return what metric math makes of the values: `FILL(a, 0) - b`, `100 * a / 9000`. A value that is missing leaves none."""
    match node:
        case ast.Name(name):
            return values[name]
        case ast.Constant(int() | float() as number):
            return number
        case ast.Call(ast.Name("FILL"), [filled, instead]):
            value = _worked_out(filled, values)
            return _worked_out(instead, values) if value is None else value
        case ast.BinOp(left, operator, right):
            first, second = _worked_out(left, values), _worked_out(right, values)
            if first is None or second is None:
                return None
            if isinstance(operator, ast.Sub):
                return first - second
            return first * second if isinstance(operator, ast.Mult) else first / second
    raise AssertionError(f"no metric math that is known here: {ast.unparse(node)}")

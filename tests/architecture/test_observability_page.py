"""`docs/observability.md` names each metric as the code tells it."""

from pathlib import Path

from authorizer.request_log import TOLD_APART, Metric
from tests.architecture.readme import Page

ROOT = Path(__file__).parents[2]
PAGE = Page((ROOT / "docs" / "observability.md").read_text(encoding="utf-8"))
UNITS = {Metric.HEAD_AGE: "Seconds", Metric.LATENCY: "Milliseconds"}


def test_each_metric_stands_in_the_table_with_its_unit_and_dimension() -> None:
    rows = {name.strip("`"): (unit, third.strip("`")) for name, unit, third, _ in PAGE.table("metric", "unit", "third dimension", "counts")}
    assert rows == {metric.value: (UNITS.get(metric, "Count"), TOLD_APART.get(metric, "")) for metric in Metric}

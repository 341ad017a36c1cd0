"""The page of what was measured says what it was given, and its picture can be read."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from tests.benchmarks.page import Measured, chart, number, page
from tests.benchmarks.ratios import Ratio, again, side_by_side
from tests.benchmarks.scale import SAMPLED, TOKENS, Held

FIRST = Ratio("a request in `route` scope", 5.12, "a bare check", 4.9, 5.5)
MEASURED = Measured(
    charted=[FIRST, Ratio("the same again", 1.9, "a bare check", 1.8, 2.1)],
    tables=[("By size", "Flat is 1.0.", [Ratio("a decision <1,000>", 1.0, "one with 10", 0.9, 1.1)])],
    held=Held(100 * 2**20, 101 * 2**20),
    sizes=[("the zip", "7.1 MB")],
    tools=[("`gatebook plan`", "1.9")],
)


@pytest.mark.parametrize(
    ("value", "told"),
    [(12.4, "12"), (5.12, "5.1"), (1.0, "1.0"), (0.95, "0.95"), (0.999, "1.0"), (0.5, "0.50"), (1 / 60, "1/60"), (1 / 5_432, "1/5,400")],
)
def test_a_ratio_has_two_digits_that_count(value: float, told: str) -> None:
    assert number(value) == told


def test_the_page_tells_all_that_was_measured_and_on_what() -> None:
    text = page(MEASURED, "a machine", date(2026, 11, 27))
    for told in (
        "2026-11-27",
        "a machine",
        "**5.1** | 4.9 to 5.5 | a bare check",
        "## By size",
        "7.1 MB",
        "`gatebook plan` | 1.9",
        "1.0 MiB",
        "208 MiB",
    ):
        assert told in text


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = ET.fromstring(chart(MEASURED))  # noqa: S314  # our own text
    [told] = drawn.findall("{*}desc")
    assert told.text == "a request in route scope: 5.1; the same again: 1.9"
    bars = [float(bar.attrib["width"]) for bar in drawn.findall("{*}rect[@class='bar']")]
    assert bars[0] / bars[1] == pytest.approx(5.12 / 1.9, rel=0.01)


def test_a_million_tokens_add_as_the_sample_did() -> None:
    assert Held(100, 100).extrapolated == Held(100, 90).extrapolated == 0
    assert Held(0, SAMPLED - SAMPLED // 5).extrapolated == TOKENS


def test_all_is_done_in_each_round_and_the_median_is_told() -> None:
    done: list[str] = []
    taken = side_by_side([again(lambda: done.append("a"), 2), again(lambda: done.append("b"))], rounds=2)
    assert done == ["a", "a", "b", "a", "a", "b"]
    assert [len(times) for times in taken] == [2, 2]
    assert Ratio.of("a", [2.0, 4.0, 90.0], "b", [1.0, 1.0, 10.0]) == Ratio("a", 4.0, "b", 2.0, 9.0)

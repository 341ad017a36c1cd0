"""Bills are what can be worked out by hand, and the committed page and picture are what the script writes."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from authorizer.request_log import Metric
from tests.benchmarks import bills, costs
from tests.benchmarks.bills import HIT_RATES, PRICES, Part, Terms, Way, bill
from tests.benchmarks.capacity import Load, needs
from tests.benchmarks.costs_chart import LETTERS, NAMES, chart
from tests.benchmarks.costs_page import bills_of
from tests.benchmarks.markdown import points, prose, table
from tests.benchmarks.sizes import LogLines, item_sizes, log_lines

ROOT = Path(__file__).parents[3]
TERMS = Terms(lines=LogLines(decision=800, counts=200, platform=300, metrics=13))
SVG = "{http://www.w3.org/2000/svg}"


def test_a_plain_authorizer_costs_its_invocations_their_time_and_lambdas_lines() -> None:
    found = bill(Way.PLAIN, 0, TERMS)
    # A million requests, 1,500 GB-seconds of half a GB for 3 ms, 0.3 GB of log.
    assert found.parts == {
        Part.REQUESTS: pytest.approx(0.20),
        Part.TIME: pytest.approx(1_500 * 0.0000133334),
        Part.PLATFORM: pytest.approx(0.15),
    }
    assert found.total == pytest.approx(0.3700001)
    assert found.logs == pytest.approx(0.15 / 0.3700001)


def test_verified_permissions_are_paid_for_each_invocation_and_waited_for() -> None:
    found = bill(Way.VERIFIED_PERMISSIONS, 0.7, TERMS)
    assert found.parts == {
        Part.REQUESTS: pytest.approx(0.06),
        Part.TIME: pytest.approx(300_000 * 0.020 * 0.5 * 0.0000133334),
        Part.PLATFORM: pytest.approx(0.045),
        Part.SERVICE: pytest.approx(1.50),
    }


def test_gatebook_pays_for_its_lines_its_reads_and_its_cold_starts_besides() -> None:
    plain, found, quiet = (bill(way, 0.7, TERMS) for way in (Way.PLAIN, Way.GATEBOOK, Way.QUIET))
    needed = needs(Load(requests=1_000), 600, item_sizes(), TERMS.lines)
    assert found.parts[Part.DECISIONS] == pytest.approx(300_000 * 800 / 1e9 * 0.50)
    assert quiet.parts[Part.DECISIONS] == pytest.approx(300_000 * 200 / 1e9 * 0.50)
    # At 1,000 requests per second a million takes 1,000 seconds.
    assert found.parts[Part.TABLE] == pytest.approx(needed.read_units * 1_000 * 0.125 / 1e6)
    cold = needed.environments / 3_600 * 1_000 * 0.8 * 0.5 * 0.0000133334
    assert found.parts[Part.TIME] == pytest.approx(plain.parts[Part.TIME] + cold, rel=1e-4)
    assert found.parts[Part.PLATFORM] == plain.parts[Part.PLATFORM]
    assert found.parts[Part.REQUESTS] == plain.parts[Part.REQUESTS]


def test_logs_are_more_than_half_of_what_gatebook_costs() -> None:
    """The page says so in its first sentence: whoever changes the line of a decision or a price shall look at it again."""
    for hit_rate in HIT_RATES:
        assert 0.6 < bill(Way.GATEBOOK, hit_rate, Terms()).logs < 0.8


def test_lambda_bills_started_milliseconds_and_the_memory_it_was_given() -> None:
    assert bills.gb_seconds(1_000, 2.1, TERMS) == pytest.approx(1_000 * 0.003 * 0.5)
    assert bills.gb_seconds(1_000, 2.0, replace(TERMS, memory_mb=1_024)) == pytest.approx(2)


def test_metrics_are_paid_by_the_month() -> None:
    assert bills.metrics_per_month(TERMS) == pytest.approx(3.90)


def test_prices_of_ones_own_take_the_place_of_list_prices() -> None:
    dearer = replace(TERMS, prices=dict(TERMS.prices) | {"log_gb": 1.00})
    assert bill(Way.PLAIN, 0, dearer).parts[Part.PLATFORM] == pytest.approx(0.30)
    assert bill(Way.PLAIN, 0, dearer).parts[Part.REQUESTS] == pytest.approx(0.20)


@pytest.mark.parametrize(
    "wrong", [["--price", "lunch=3"], ["--price", "log_gb"], ["--price", "log_gb=-1"], ["--price", "log_gb=nan"], ["--duration-ms", "x"]]
)
def test_what_is_no_price_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        costs.main(wrong)
    assert ended.value.code == 2
    assert "is no" in capsys.readouterr().err


def test_each_price_says_where_it_is_from() -> None:
    for price in PRICES.values():
        assert price.aws_page.startswith("https://aws.amazon.com/")
        assert price.seen


def test_a_line_of_the_log_is_counted_as_it_is_written() -> None:
    lines = log_lines()
    # 36 characters of subject and of request, an ARN, a route, a permission, thirteen other fields and the metric's own.
    assert 600 < lines.decision < 1_000
    assert lines.counts < lines.decision / 2
    assert lines.metrics == 2 * len(Metric)
    assert lines.platform == 79 + 52 + 131


def test_memory_is_that_of_the_templates() -> None:
    for template in ("template", "sample_api"):
        text = (ROOT / f"infra/{template}.yaml").read_text("utf-8")
        functions = re.findall(r"Handler: authorizer\.handler\.handler\n(?:.*\n)*?\s+MemorySize: (\d+)", text)
        assert set(functions) == {str(Terms().memory_mb)}


def test_bars_are_as_long_as_their_bills() -> None:
    shown = bills_of(TERMS)
    picture = ET.fromstring(chart(shown))  # noqa: S314  # written a line before
    edges = [rect for rect in picture.iter(f"{SVG}rect") if rect.get("class") == "edge"][: -len(Part)]
    rows: dict[str, float] = {}
    for rect in edges:
        top = rect.get("y", "")
        rows[top] = rows.get(top, 0.0) + float(rect.get("width", "nan"))
    whole, *bars = rows.values()
    assert whole == pytest.approx(860 - 48, abs=0.5)
    assert len(bars) == len(shown)
    longest = max(shown, key=lambda each: each.total)
    scale = bars[shown.index(longest)] / longest.total
    for length, each in zip(bars, shown, strict=True):
        assert length == pytest.approx(each.total * scale, abs=0.4)


def test_the_picture_says_in_words_and_letters_what_its_colours_say() -> None:
    shown = bills_of(TERMS)
    picture = ET.fromstring(chart(shown))  # noqa: S314  # written a line before
    words = [text.text or "" for text in picture.iter(f"{SVG}text")]
    for each in shown:
        assert words.count(f"${each.total:.2f}") >= 1
        assert words.count(NAMES[each.way]) == len(HIT_RATES) + (each.way is Way.VERIFIED_PERMISSIONS)
    assert set(LETTERS.values()) <= set(words)
    hatches = [ET.tostring(hatch) for pattern in picture.iter(f"{SVG}pattern") for hatch in pattern.iter(f"{SVG}g")]
    assert len(set(hatches)) == len(hatches) == len(Part)
    assert picture.find(f"{SVG}title") is not None
    assert "prefers-color-scheme:dark" in (picture.findtext(f"{SVG}style") or "")


def test_prose_tables_and_lists_are_markdown() -> None:
    assert table(["a", "b"], [["1", "2\n  3"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 3 |"
    assert points("one\n   two", "three") == "- one two\n- three"
    assert points("word " * 40).splitlines()[1].startswith("  word")
    assert all(len(line) <= 160 for line in prose("a-long-word " * 100).splitlines())


def test_the_committed_page_and_picture_are_what_the_script_writes(tmp_path: Path) -> None:
    """`make costs` renews them."""
    assert costs.main(["--out", str(tmp_path / "costs.md")]) == 0
    for name in ("costs.md", "costs.svg"):
        assert (tmp_path / name).read_text("utf-8") == (ROOT / "docs" / name).read_text("utf-8")


def test_the_page_says_which_prices_are_the_readers_own(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "LOADS", (100,))
    assert costs.main(["--price", "lambda_request=0.5", "--duration-ms", "7"]) == 0
    page = capsys.readouterr().out
    assert re.search(r"\| `lambda_request` \| 0\.5 \|.*\| given with `--price` \|", page)
    assert re.search(r"\| `built_in_authorizer` \| 0 \|.*\| list price as known to the authors, check \|", page)
    assert "Costs count with 7 ms" in page

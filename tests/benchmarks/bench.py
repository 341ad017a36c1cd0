"""What the authorizer costs, as ratios that mean the same on any machine: `python -m tests.benchmarks.bench --out docs/performance.md` (`make bench`).

Nothing here fails: budgets that fail count calls and steps, in `tests/performance`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from authorizer.runtime import PYTHON
from tests.benchmarks.cold_start import cold_starts
from tests.benchmarks.decision_cost import growth_ratios, peer_ratios
from tests.benchmarks.page import Measured, chart, number, page
from tests.benchmarks.ratios import Ratio, machine
from tests.benchmarks.request_cost import request_ratios, sample_ratio, token_ratios
from tests.benchmarks.scale import held, scale_ratios
from tests.benchmarks.tools import tool_seconds
from tests.conftest import pytest_configure

SCOPES = ("request", "route", "token")
_PEERS = (
    "Each decides the same request by as many rules, and the answers are compared first. The rule that is met is the last one. Casbin and Cedar decide only;"
    " neither verifies a token or writes the policy that API Gateway wants."
)
_SAMPLE = "AWS's sample makes a client of DynamoDB for each request and reads the groups' policies, which the process itself answers here."
_NO_SAMPLE = "AWS's sample is measured beside them where its file is at hand: `make bench AWS_SAMPLE=custom-auth/lambda.py`."
_COLD = (
    f"Importing the packaged handler and answering a first request on Python {PYTHON}, with the key set and the table read over TLS."
    " Prototype D is a straightforward authorizer on the same packages, as pip installs them (`tests/benchmarks/prototype_d.py`)."
)


def measure(console: Console, aws_sample: Path | None) -> Measured:
    """Measure everything, with a word on what is under way."""

    def all_of(what: str, ratios: Callable[[], Iterable[Ratio]]) -> list[Ratio]:
        with console.status(f"measuring {what}"):
            return list(ratios())

    charted = all_of("tokens", token_ratios)
    for scope in SCOPES:
        charted += all_of(f"requests in {scope} scope", partial(request_ratios, scope))
    beside = [] if aws_sample is None else all_of("AWS's sample", lambda: [sample_ratio(aws_sample)])
    growth = [*all_of("decisions by size", growth_ratios), *all_of("requests of large APIs", scale_ratios)]
    peers = all_of("Casbin and Cedar", peer_ratios)
    with console.status("measuring cold starts"), tempfile.TemporaryDirectory() as folder:
        cold = cold_starts(Path(folder))
    with console.status("measuring memory"):
        in_process = held()
    with console.status("measuring the command on large documents"):
        seconds = tool_seconds()
    sample = _SAMPLE if aws_sample else _NO_SAMPLE
    return Measured(
        charted=charted,
        tables=[
            ("By size", "Flat is 1.0: what a caller holds and how large an API is make no difference.", growth),
            ("Beside others", f"{_PEERS} {sample}", [*peers, *beside]),
            (
                "Cold start",
                _COLD if cold else f"{_COLD} Not measured here: it needs Python {PYTHON} on the path.",
                cold.ratios if cold else (),
            ),
        ],
        held=in_process,
        sizes=[("the authorizer's zip", f"{cold.zip_bytes / 1e6:.1f} MB"), ("the most that a cold start holds", f"{cold.peak:.0f} MiB")]
        if cold
        else [],
        tools=[(one.what, f"{one.wall:.2f}") for one in seconds],
    )


def show(console: Console, measured: Measured) -> None:
    """Print the ratios."""
    table = Table("what", "ratio", "spread", "to")
    for ratio in [*measured.charted, *(ratio for _, _, ratios in measured.tables for ratio in ratios)]:
        table.add_row(ratio.what, number(ratio.value), f"{number(ratio.low)} to {number(ratio.high)}", ratio.to)
    console.print(table)
    for what, told in [*measured.sizes, *measured.tools]:
        console.print(f"{what}: {told}", highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description="Measure what the authorizer costs, as ratios.")
    parser.add_argument("--out", type=Path, help="the page to write; its picture is written beside it")
    parser.add_argument("--aws-sample", type=Path, help="`custom-auth/lambda.py` of aws-samples/amazon-cognito-api-gateway")
    options = parser.parse_args(arguments)
    pytest_configure()
    console = Console()
    measured = measure(console, options.aws_sample)
    show(console, measured)
    if options.out is not None:
        options.out.write_text(page(measured, machine(), datetime.now(UTC).date()), "utf-8")
        options.out.with_suffix(".svg").write_text(chart(measured), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes `docs/costs.md` and its picture: `python -m tests.benchmarks.costs --out docs/costs.md` (`make costs`).

Without `--out` the page goes to standard output. `--price NAME=DOLLARS` takes the place of a list price, `--duration-ms` of the assumed duration.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.bills import PRICES, Terms
from tests.benchmarks.costs_chart import chart
from tests.benchmarks.costs_page import LOADS, bills_of, compare, page


def main(arguments: Sequence[str] | None = None) -> int:
    """Work everything out and write it."""
    options = _parser().parse_args(arguments)
    prices = {name: price.dollars for name, price in PRICES.items()} | dict(options.price)
    terms = Terms(
        prices=prices, duration_ms=options.duration_ms, waiting_duration_ms=options.waiting_duration_ms, memory_mb=options.memory_mb
    )
    bills = bills_of(terms)
    text = page(terms, bills, [compare(requests, terms) for requests in LOADS])
    if options.out is None:
        sys.stdout.write(text)
    else:
        options.out.write_text(text, "utf-8")
        options.out.with_suffix(".svg").write_text(chart(bills), "utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    terms = Terms()
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.costs", description="Work out what the authorizer costs and what a load needs."
    )
    parser.add_argument("--out", type=Path, help="the page to write; its picture is written beside it")
    parser.add_argument("--price", type=_price, action="append", default=[], metavar="NAME=DOLLARS", help=f"one of {', '.join(PRICES)}")
    parser.add_argument("--duration-ms", type=_amount, default=terms.duration_ms, help="what Lambda bills for a usual request")
    parser.add_argument(
        "--waiting-duration-ms",
        type=_amount,
        default=terms.waiting_duration_ms,
        help="the same for an authorizer that calls Verified Permissions",
    )
    parser.add_argument("--memory-mb", type=int, default=terms.memory_mb, help="memory of the function")
    return parser


def _price(text: str) -> tuple[str, float]:
    name, _, dollars = text.partition("=")
    if name not in PRICES:
        raise argparse.ArgumentTypeError(f"`{name}` is no price: the names are {', '.join(PRICES)}")
    return name, _amount(dollars)


def _amount(text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = -1
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"`{text}` is no amount")
    return amount


if __name__ == "__main__":
    sys.exit(main())

"""Settles on an account what no AWS document says: `python -m infra.probe`, or `gatebook probe`.

It makes a stack of three small APIs, asks its questions, and deletes the stack. `--endpoint` names an emulator that stands for AWS.
"""

import argparse
import json
import sys
from collections.abc import Sequence

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from infra.probe.calls import Caller
from infra.probe.findings import Finding
from infra.probe.questions import QUESTIONS, Question
from infra.probe.report import is_expected, present_report, print_report
from infra.probe.run import ask_all, places_of
from infra.probe.stack import StackError, probe_stack

EXIT_FINDINGS, EXIT_USAGE, EXIT_TROUBLE, EXIT_INTERRUPTED = 1, 2, 4, 130
_MARKS = {True: "[green]ok[/]", False: "[yellow]look[/]"}


def main(arguments: list[str] | None = None) -> int:
    """Exit with 0 if every outcome is one to build on, 1 if one is not, 2 for a wrong use, 4 if AWS could not be asked."""
    options = _parse(arguments)
    chosen = [each for each in QUESTIONS if not options.only or each.name in options.only]
    if options.list:
        _print_questions(chosen)
        return 0
    console = Console(stderr=True, highlight=False)
    try:
        findings = _ask(chosen, options, console)
    except StackError as error:
        return _fail(console, str(error))
    except (BotoCoreError, ClientError) as error:
        return _fail(
            console, f"AWS cannot be asked: {error}: it takes credentials that may make stacks, roles, functions and APIs, and a region"
        )
    except KeyboardInterrupt:
        console.print("stopped: the stack is deleted, or its name stands above")
        return EXIT_INTERRUPTED
    emulated = options.endpoint is not None
    if options.json:
        print(json.dumps(present_report(findings, emulated=emulated), indent=2, ensure_ascii=False))
    else:
        print_report(findings, Console(highlight=False), emulated=emulated)
    return 0 if all(is_expected(each, emulated=emulated) for each in findings) else EXIT_FINDINGS


def _ask(questions: Sequence[Question], options: argparse.Namespace, console: Console) -> list[Finding]:
    session = boto3.Session(region_name=options.region)
    cloudformation, emulated = session.client("cloudformation", endpoint_url=options.endpoint), options.endpoint is not None

    def say(text: str) -> None:
        console.print(text, markup=False)

    findings: list[Finding] = []
    with probe_stack(cloudformation, say, emulated=emulated, keep=options.keep) as stack:
        places = places_of(stack, cloudformation.meta.region_name, options.endpoint)
        for number, finding in enumerate(ask_all(questions, Caller(places, stack.key)), start=1):
            mark = _MARKS[is_expected(finding, emulated=emulated)]
            console.print(f"[dim]{number:>2}/{len(questions)}[/] {mark:<4} {finding.question.name}")
            findings.append(finding)
    return findings


def _fail(console: Console, message: str) -> int:
    console.print(f"error: {message}", markup=False, soft_wrap=True)
    return EXIT_TROUBLE


def _print_questions(questions: Sequence[Question]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "API", "question", "known"):
        table.add_column(heading)
    for each in questions:
        table.add_row(each.name, each.api.value, each.asks, each.known)
    Console(highlight=False).print(table, markup=False)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="gatebook probe", description="settle on this account what no AWS document says about API Gateway's authorizers"
    )
    parser.add_argument("--region", help="AWS region (default: AWS_REGION)")
    parser.add_argument("--endpoint", help="address of an emulator that stands for AWS (default: AWS itself)")
    parser.add_argument(
        "--only",
        action="append",
        choices=[each.name for each in QUESTIONS],
        metavar="QUESTION",
        help="ask this question; as often as needed",
    )
    parser.add_argument("--list", action="store_true", help="list the questions and ask none")
    parser.add_argument("--keep", action="store_true", help="leave the stack where it is")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

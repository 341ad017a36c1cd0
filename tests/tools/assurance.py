"""Writes docs/assurance.md: `python -m tests.tools.assurance --out docs/assurance.md` (`make assurance`).

Each number is counted where it is made: vectors in their files, mutants in their list, trials in the constants that the tests themselves use, here and
where `CI` is set. A test holds the page against this.
"""

import argparse
import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.markdown import prose, table
from tests.tools.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
VECTORS = TESTS / "vectors"


@dataclass(frozen=True, slots=True)
class Trials:
    """A constant of a test file that is larger where `CI` is set."""

    file: str
    name: str
    laptop: int
    ci: int


def trials(path: Path) -> list[Trials]:
    """Return the constants of a file that `CI` raises. `ROUNDS = 500 if os.environ.get("CI") else 60` -> 60 and 500; of a dict the sum."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign) or not (
            isinstance(node.value, ast.IfExp) and re.search(r"\bCI\b", ast.unparse(node.value.test))
        ):
            continue
        target = node.targets[0]
        names = [ast.unparse(name) for name in (target.elts if isinstance(target, ast.Tuple) else [target])]
        laptop, ci = _numbers(node.value.orelse), _numbers(node.value.body)
        file = str(path.relative_to(ROOT))
        found += [Trials(file, name, few, many) for name, few, many in zip(names, laptop, ci, strict=True)]
    return found


def _numbers(node: ast.expr) -> list[int]:
    value: Any = ast.literal_eval(node)
    if isinstance(value, dict):
        return [sum(value.values())]
    return [*value] if isinstance(value, tuple) else [value]


def all_trials() -> dict[tuple[str, str], Trials]:
    """Return all constants that `CI` raises in properties and in tests of the local stack, by file and name."""
    paths = [*sorted((TESTS / "properties").glob("test_*.py")), *sorted((TESTS / "stack").glob("test_*.py"))]
    return {(Path(one.file).stem, one.name): one for path in paths for one in trials(path)}


def _statement(file: str) -> str:
    """The first sentence of a test file's docstring."""
    text = ast.get_docstring(ast.parse((ROOT / file).read_text(encoding="utf-8"))) or ""
    return " ".join(re.split(r"(?<=\.)\s", text.strip())[0].split()).replace("|", "\\|")


def _property(file: str, constants: Sequence[Trials]) -> tuple[str, ...]:
    names, few, many = (
        ", ".join(cells) for cells in zip(*((f"`{one.name}`", f"{one.laptop:,}", f"{one.ci:,}") for one in constants), strict=True)
    )
    return _statement(file), names, few, many, f"`.venv/bin/pytest {file}`"


# -- vectors ---------------------------------------------------------------------------------------------------------------------------------------------


def _yaml(folder: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((VECTORS / folder).glob("*.yaml"))]


def _json(folder: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((VECTORS / folder).glob("*.json"))]


def _token_cases(file: dict[str, Any]) -> int:
    """Each case of a file, and of its tables one for each name and value."""
    return len(file["cases"]) + sum(len(one["names"]) * len(one["values"]) for one in file.get("tables", ()))


def vectors() -> list[tuple[str, str, int, int, str]]:
    """Return for each kind of vector: what it is, its folder, files, cases, and the runner."""
    decisions, requests, whole = _yaml("decisions"), _yaml("compiled"), _yaml("token_policies")
    valid, invalid, tokens, issuers = _yaml("documents/valid"), _yaml("documents/invalid"), _json("tokens"), _json("tokens/issuers")
    return [
        ("requests and their decisions", "decisions", len(decisions), sum(len(one["requests"]) for one in decisions), "test_decisions.py"),
        ("policies for a request or a route", "compiled", len(requests), sum(len(one["answers"]) for one in requests), "test_compiled.py"),
        ("policies for a whole caller", "token_policies", len(whole), sum(len(one["answers"]) for one in whole), "test_token_policies.py"),
        ("good documents", "documents/valid", len(valid), len(valid), "test_documents.py"),
        ("mistakes in documents", "documents/invalid", len(invalid), sum(len(one["problems"]) for one in invalid), "test_documents.py"),
        ("tokens, good and bad", "tokens", len(tokens), sum(map(_token_cases, tokens)), "test_tokens.py"),
        ("tokens of other issuers", "tokens/issuers", len(issuers), sum(len(one["tokens"]) for one in issuers), "test_issuer_shapes.py"),
    ]


# -- tests that are named or counted -----------------------------------------------------------------------------------------------------------------------


def _written(*paths: Path) -> int:
    return sum(len(re.findall(r"^(?:async )?def test_\w+", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in paths)


def _rows(page: str, *, first: str) -> int:
    """The rows of all tables of a page whose first column has this heading."""
    count, counting = 0, False
    for line in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            counting = False
        elif line.startswith(f"| {first} |"):
            counting = True
        elif counting and not line.startswith("|--"):
            count += 1
    return count


def _named(page: str) -> int:
    return len(set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))))


def _mutated() -> Iterator[tuple[str, int]]:
    """How many mutants each part has, such as `authorizer/policy`, the most first."""
    parts = Counter("/".join(Path(mutant.file).parts[:2]) for mutant in MUTANTS)
    yield from sorted(parts.items(), key=lambda item: (-item[1], item[0]))


def _floor(part: str) -> str:
    [percent] = re.findall(rf"--include='{part}/\*' --fail-under=(\d+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    return f"{percent} %"


def _catalogues() -> tuple[str, ...]:
    text = (ROOT / "docs" / "token-scope.md").read_text(encoding="utf-8")
    [found] = re.findall(r"measures it over (\d+) public APIs\s.*?; ([\d,]+) routes\)\s+and ([\d,]+) permission sets", text, re.DOTALL)
    return tuple(found)


# -- the page ----------------------------------------------------------------------------------------------------------------------------------------------


def page() -> str:
    """Return docs/assurance.md as Markdown."""
    held = all_trials()
    parts, per_part = held["test_token_scope", "PARTS"], held["test_token_scope", "DECISIONS_PER_PART"]
    faults = sorted((TESTS / "integration" / "faults").glob("test_*.py"))
    races = TESTS / "integration" / "rest" / "test_races.py"
    writers, callers, edits = held["test_many_writers", "WRITERS"], held["test_many_callers", "WRITERS"], held["test_many_callers", "EDITS"]
    apis, routes, sets = _catalogues()
    kinds, properties = vectors(), [one for one in held.values() if one.file.startswith("tests/properties/")]

    def run(file: str) -> str:
        return f"`CI=1 .venv/bin/pytest {file}`"

    fuzzed = [
        (
            "decisions by policies for whole callers, compared, at least",
            parts.laptop * per_part.laptop,
            parts.ci * per_part.ci,
            "test_token_scope",
        ),
        ("mutated tokens", held["test_token_fuzz", "RUNS"].laptop, held["test_token_fuzz", "RUNS"].ci, "test_token_fuzz"),
        ("mutated key sets", held["test_token_fuzz", "KEY_SETS"].laptop, held["test_token_fuzz", "KEY_SETS"].ci, "test_token_fuzz"),
        ("mutated events", held["test_event_fuzz", "RUNS"].laptop, held["test_event_fuzz", "RUNS"].ci, "test_event_fuzz"),
    ]
    blocks = [
        "# Assurance",
        "For: whoever wants to know how much of what these pages say was tried, and to try it.",
        prose("""
            Each number is counted in the sources by a script that writes this page, whole (`make assurance`); a test holds the page against it. The
            command beside a number runs what was counted. What is calculated or measured elsewhere is not repeated here: [Performance](performance.md),
            [Costs and capacity](costs.md).
        """),
        "## Who judges",
        prose("""
            Expected values never come from the code under test. Policies are read by an IAM evaluator that was written from the IAM documentation
            (`tests/support/iam_evaluator.py`), and proved for all paths at once by an automaton (`automaton.py`); remembered answers by models of the
            cache of a REST API and of an HTTP API (`gateway_model.py`, `http_gateway_model.py`). The judges have tests of their own, in `tests/judges`.
        """),
        "## Random trials",
        prose("""
            Every random test prints its seed, and `GATEBOOK_SEED` plays it again. `make test` plays the first number, `CI=1 make test` the second, which
            every change has to pass.
        """),
        table(
            ("trials", "on a laptop", "in CI", "command"),
            [(what, f"{few:,}", f"**{many:,}**", run(f"tests/properties/{file}.py")) for what, few, many, file in fuzzed],
        ),
        prose(
            "`make fuzz MINUTES=60` plays policies, tokens and events with new seeds for as long as you like, and prints how many there were."
        ),
        prose("""
            All properties whose numbers CI raises; `CI=1` before a command plays the second number. A test may play it for each of several cases, such as
            each cache scope.
        """),
        table(
            ("property", "constant", "on a laptop", "in CI", "command"),
            [_property(file, [*of_one]) for file, of_one in groupby(properties, key=lambda one: one.file)],
        ),
        "## Vectors",
        prose("""
            Cases as files, with what has to come of them: a new case is a file, and no code. They are the same for a laptop and for CI.
        """),
        table(
            ("what", "files", "cases", "command"),
            [
                *(
                    (what, f"{files:,}", f"{cases:,}", f"`.venv/bin/pytest tests/conformance/{runner}`")
                    for what, _, files, cases, runner in kinds
                ),
                (
                    "captured events",
                    f"{len([*(TESTS / 'events').rglob('*.json')]):,}",
                    "",
                    "`.venv/bin/pytest tests/unit/authorizer/events/test_events.py`",
                ),
            ],
        ),
        "## Mutants",
        prose(f"""
            `make mutants` breaks the code on purpose, one plausible way at a time, and fails if no test notices: {len(MUTANTS)} mutants. That each still
            changes what stands there is a test of every run.
        """),
        table(("part", "mutants"), [(f"`{part}`", f"{number:,}") for part, number in _mutated()]),
        "## Faults and races",
        table(
            ("what", "number", "command"),
            [
                (
                    "failures of an upstream or a clock, each with what callers get ([the list](failures.md))",
                    f"{_rows('failures', first='failure'):,}",
                    "",
                ),
                ("tests that prove them", f"{_named('failures'):,}", "`.venv/bin/pytest tests/integration/faults`"),
                ("tests of faults in all", f"{_written(*faults):,}", "`.venv/bin/pytest tests/integration/faults`"),
                (
                    "tests of races at the admin API: a second writer comes at each call of the first",
                    f"{_written(races):,}",
                    "`.venv/bin/pytest tests/integration/rest/test_races.py`",
                ),
                (
                    "writers at once, some of whom die, on a laptop and in CI",
                    f"{writers.laptop} and {writers.ci}",
                    run("tests/stack/test_many_writers.py"),
                ),
                (
                    "callers of the admin API at once, and edits of each, in CI",
                    f"{callers.ci} and {edits.ci}",
                    run("tests/stack/test_many_callers.py"),
                ),
                ("threats with a mitigation and a test ([the list](security.md))", f"{_rows('security', first='threat'):,}", ""),
                ("tests that they name", f"{_named('security'):,}", "`.venv/bin/pytest tests/architecture/test_security_page.py`"),
            ],
        ),
        "## Coverage",
        table(
            ("part", "lines and branches at least", "command"),
            [(f"`{part}/`", _floor(part), "`make coverage`") for part in ("authorizer", "admin_api")],
        ),
        prose("Random tests do not count for it: a line that only chance finds has no test."),
        "## Real APIs",
        prose(f"""
            Compiler and search agree over {apis} public APIs with {routes} routes and {sets} permission sets ([Token scope](token-scope.md)). Their
            catalogues are not in the repository: `make report CATALOGUES=FOLDER` reproduces it from your own copies.
        """),
        "## What was not tried",
        prose("""
            No AWS account was at hand. The local stack is an emulator, moto stands for DynamoDB, and the models of the gateway rest on AWS's documentation
            and on public recordings. [Gateways](gateways.md) names what nobody has documented and how it is read.
        """),
    ]
    return "\n\n".join(blocks) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the page to `--out`, or print it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.assurance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="where to write the page (default: print it)")
    options = parser.parse_args(arguments)
    if options.out:
        options.out.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())

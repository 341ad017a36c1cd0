"""What a folded matrix says is what the whole matrix says, and it keeps to its width."""

import os
import re
from itertools import takewhile
from random import Random

import pytest
from rich.cells import cell_len

from admin_api.analysis.matrix import Matrix, MatrixRow, matrix_of
from admin_api.analysis.matrix_folding import alike
from admin_api.cli.render.matrix_view import view_of
from authorizer.policy.document import parse_document
from tests.support.random_apis import random_document

SEED = os.environ.get("GATEBOOK_SEED")
CASES = 300 if os.environ.get("CI") else 40


def random_grid(random: Random) -> Matrix:
    """Two groups of their own, and one that is a copy of the first."""
    document = random_document(random)
    document["groups"]["g3"] = document["groups"]["g1"]
    return matrix_of(parse_document(document))


def meant(grid: Matrix, label: str) -> list[MatrixRow]:
    """The rows that a label without its spaces speaks of, by its text alone."""
    name = re.sub(r"(\((\d+)?public\))?(\d+routes)?$", "", label)
    if not name.startswith("/"):
        return [row for row in grid.rows if row.name.replace(" ", "") == name]
    above = name.removesuffix("/**")
    return [row for row in grid.rows if row.route.path == name or (name.endswith("/**") and f"{row.route.path}/".startswith(f"{above}/"))]


def headings(lines: list[str]) -> list[str]:
    """Headings of one or more lines, the corner first, without their spaces."""
    starts = [found.start() for found in re.finditer(r"\S+( \S+)*", lines[-1])]
    cells = [[line[start:end] for line in lines] for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return ["".join("".join(parts).split()) for parts in cells]


def said(access: list[str], conditions: dict[str, str]) -> str:
    """How the answers to these rows shall look."""
    if len(set(access)) == 1:
        return {"nothing": "·", "denied": "denied", "allowed": "yes"}.get(access[0]) or conditions.get(
            access[0].removeprefix("allowed").strip(), "if"
        )
    allowed = [words for words in access if words.startswith("allowed")]
    return f"{len(allowed)}/{len(access)}" + ("*" if set(allowed) - {"allowed"} else "")


@pytest.mark.parametrize("case", range(CASES))
def test_each_cell_of_a_folded_matrix_is_what_the_whole_says(case: int) -> None:
    seed = SEED or f"{case}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(f"{seed}/{case}")
    grid = random_grid(random)
    _, *lines = [line.plain for line in view_of(grid, 2000, random.randint(0, 4))]
    end = next(number for number, line in enumerate(lines) if line.startswith(("route", "subject"))) + 1
    corner, *heads = headings(lines[:end])
    body = list(takewhile(lambda line: not re.match(r"(alike|if\d*|3/12|…): |Folded: ", line), lines[end:]))
    conditions = {m[2]: m[1] for line in lines if (m := re.match(r"(if\d+): (.*)", line))}
    subjects = [str(ref).removeprefix("group/") for ref in grid.subjects]
    named: list[str] = []
    counted = 0
    for line in body:
        label, *cells = re.split(r"  +", re.sub(r" +(\d+ routes)", r" \1", line))
        for head, cell in zip(heads, cells, strict=True):
            route, subject = (label.replace(" ", ""), head) if corner == "route" else (head, label.replace(" ", ""))
            names = subject.split("(")[0].split(",")
            rows = meant(grid, route)
            for name in names:
                assert cell == said([row.access[subjects.index(name)] for row in rows], conditions), (line, head)
            named += names
            counted += len(rows)
    left_out = sum(int(number) for number in re.findall(r"\(\+(\d+)\)", " ".join(heads if corner == "route" else body)))
    assert set(named) <= set(subjects)
    assert len(set(named)) + left_out == len(subjects)
    assert counted == len(grid.rows) * len(alike(grid))


@pytest.mark.parametrize("case", range(CASES))
def test_no_line_is_wider_than_the_terminal(case: int) -> None:
    seed = SEED or f"{case}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(f"{seed}/{case}/width")
    width = random.randint(40, 120)
    for line in view_of(random_grid(random), width, random.choice((None, 0, 1, 2))):
        assert cell_len(line.plain) <= width, line.plain

"""libyaml reads each text that it is given as PyYAML does: the same values, and the same words and lines for what is wrong."""

import os
from pathlib import Path
from random import Random

import pytest
import yaml

from admin_api.documents import yaml_text
from admin_api.documents.files import read_file
from authorizer.policy.problems import DocumentError
from tests.support.random_yaml import random_yaml

TEXTS = 4_000 if os.environ.get("CI") else 400
SEED = os.environ.get("GATEBOOK_SEED")

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "seed_data").glob("*.yaml"))
REAL = [path.read_text("utf-8") for path in (*SEEDS, *sorted((ROOT / "tests" / "vectors").rglob("*.yaml")))]

Read = list[tuple[object, dict[str, int], list[str]]] | list[str]


def read(path: Path) -> Read:
    """Everything that a file says: its values, their lines, and its problems; or why it cannot be read."""
    try:
        return [(one.value, one.lines, [str(problem) for problem in one.problems]) for one in read_file(path)]
    except DocumentError as error:
        return [str(problem) for problem in error.problems]


def by_python(path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    with monkeypatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        return read(path)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml here")
@pytest.mark.parametrize("number", range(10))
def test_random_texts(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = f"{SEED or 'yaml'} {number}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    path = tmp_path / "file.yaml"
    fast = 0
    for _ in range(TEXTS):
        text = random_yaml(random, REAL)
        path.write_bytes(text.encode())
        fast += yaml_text.is_plain(text)
        # The text of a value tells what is equal and not the same: `1`, `1.0` and `true`.
        assert repr(read(path)) == repr(by_python(path, monkeypatch)), text
    # Else nothing was compared.
    assert fast > TEXTS // 10


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_the_seeds_are_plain_and_read_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert yaml_text.is_plain(path.read_text("utf-8"))
    assert read(path) == by_python(path, monkeypatch)

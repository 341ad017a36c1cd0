"""What a function is told that got the wrong zip."""

import json
import os
import sys
from pathlib import Path

import pytest

from authorizer.runtime import BUILT_FOR, WrongRuntimeError, check_runtime

HERE = {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "machine": os.uname().machine}


def test_code_that_was_not_packed_runs_with_what_is_installed(tmp_path: Path) -> None:
    check_runtime(tmp_path)
    check_runtime()


def test_a_zip_for_what_runs_it_is_fine(tmp_path: Path) -> None:
    (tmp_path / BUILT_FOR).write_text(json.dumps(HERE))
    check_runtime(tmp_path)


@pytest.mark.parametrize(
    ("built", "told"),
    [({"python": "3.9"}, "this zip is for Python 3.9 on "), ({"machine": "riscv64"}, " on riscv64, and the function runs Python ")],
)
def test_a_zip_for_something_else_names_both_and_the_remedy(tmp_path: Path, built: dict[str, str], told: str) -> None:
    (tmp_path / BUILT_FOR).write_text(json.dumps(HERE | built))
    with pytest.raises(WrongRuntimeError, match=r"python -m infra\.package --arch") as caught:
        check_runtime(tmp_path)
    assert told in str(caught.value)


def test_packages_that_cannot_be_imported_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.bindings._rust", None)
    with pytest.raises(WrongRuntimeError, match=r"`cryptography` cannot be used by Python .*`Architecture="):
        check_runtime(tmp_path)

"""`python -m infra.package`: the same sources give the same bytes, and the zip holds what the functions import and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import package


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in (
        "authorizer/__init__.py",
        "authorizer/handler.py",
        "authorizer/policy/permission_document.schema.json",
        "authorizer/__pycache__/handler.cpython-313.pyc",
        "authorizer/tests/test_handler.py",
        "admin_api/__init__.py",
        "admin_api/cli/main.py",
        "admin_api/console/index.html",
        "admin_api/console/node_modules/x.js",
        "admin_api/.env",
        "infra/__init__.py",
        "infra/petstore.py",
        "infra/local/serve.py",
        "tests/test_all.py",
    ):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return root


def test_what_is_in_the_zip(tree: Path) -> None:
    assert sorted(package.code_files(tree)) == [
        "admin_api/__init__.py",
        "admin_api/console/index.html",
        "authorizer/__init__.py",
        "authorizer/handler.py",
        "authorizer/policy/permission_document.schema.json",
        "infra/__init__.py",
        "infra/petstore.py",
    ]


def test_the_zip_of_this_tree_holds_the_handlers(tmp_path: Path) -> None:
    with zipfile.ZipFile(package.build(tmp_path, code_only=True)) as archive:
        names = archive.namelist()
    assert {"authorizer/handler.py", "authorizer/policy/decision.py", "infra/petstore.py"} <= set(names)
    assert not [name for name in names if "tests" in name or "__pycache__" in name or name.startswith(("admin_api/cli", "infra/local"))]


def test_the_same_sources_give_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    first = package.write_zip(tmp_path / "a", "code", package.code_files(tree))
    for file in tree.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o755)
    second = package.write_zip(tmp_path / "b", "code", package.code_files(tree))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_another_source_gives_another_name(tree: Path, tmp_path: Path) -> None:
    before = package.write_zip(tmp_path, "code", package.code_files(tree))
    (tree / "authorizer/handler.py").write_text("changed")
    assert package.write_zip(tmp_path, "code", package.code_files(tree)).name != before.name


def test_moved_bytes_give_another_name(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("ab")
    (tmp_path / "two").write_text("")
    name = package.write_zip(tmp_path, "code", {"a": tmp_path / "one", "b": tmp_path / "two"}).name
    assert package.write_zip(tmp_path, "code", {"a": tmp_path / "two", "b": tmp_path / "one"}).name != name


def test_the_command_prints_the_path_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(["--code-only", "--output", str(tmp_path)]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_the_zip_and_its_lock_file_are_all_that_an_authorizer_needs(tmp_path: Path) -> None:
    target = tmp_path / "task"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    subprocess.run([*pip, "--only-binary=:all:", "--target", str(target), "--requirement", str(package.LOCK_FILE)], check=True)
    with zipfile.ZipFile(package.build(tmp_path, code_only=True)) as archive:
        archive.extractall(target)
    # -I and -S: neither this folder nor the virtual environment is on the path.
    modules = "authorizer.handler, admin_api.handler, infra.petstore"
    script = f"import sys; sys.path.insert(0, {str(target)!r}); import {modules}; print(authorizer.handler.__file__)"
    settings = {
        "PERMISSIONS_TABLE": "t",
        "API": "a",
        "USER_POOL_ID": "eu-west-1_AbCdEfGhI",
        "APP_CLIENT_IDS": "c",
        "AWS_REGION": "eu-west-1",
    }
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).is_relative_to(target)

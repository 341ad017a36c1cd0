"""`gatebook` from anywhere: no folder of the user's is ever imported, and an installed wheel has all that it needs."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from admin_api.cli.commands.local import stack_command

ROOT = Path(__file__).parents[2]
SHIPPED = ("authorizer", "admin_api", "infra", "seed_data")
HOSTILE = (
    "infra/__init__.py",
    "infra/local/__init__.py",
    "infra/local/__main__.py",
    "authorizer/__init__.py",
    "admin_api/__init__.py",
    "yaml.py",
    "json.py",
)

pytestmark = pytest.mark.stack


def run(command: list[str], folder: Path, *, seconds: float = 240) -> "subprocess.CompletedProcess[str]":
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=seconds)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose modules have the names of ours and of others, and leave a mark when they are imported."""
    folder = tmp_path / "project"
    for name in HOSTILE:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('{name} ')\nraise SystemExit('a module of the user was imported')\n")
    return folder


def test_a_module_of_the_users_would_leave_its_mark(hostile: Path) -> None:
    """Else the test below would prove nothing."""
    assert run([sys.executable, "-m", "infra.local", "--help"], hostile).returncode != 0
    assert (hostile.parent / "mark").exists()


def test_the_local_stack_imports_no_module_of_the_users(hostile: Path) -> None:
    result = run([*stack_command(4571), "--help"], hostile)
    assert result.returncode == 0, result.stderr
    assert "run the local stack" in result.stdout
    assert not (hostile.parent / "mark").exists()


def test_our_own_modules_are_started_in_no_other_way() -> None:
    """Each `-m` of ours has the `-P` before it that keeps the current folder out."""
    starts = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for package in ("admin_api", "infra")
        for path in sorted((ROOT / package).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if 'sys.executable, "' in line and '"pip"' not in line
    ]
    assert len(starts) >= 3
    assert [start for start in starts if 'sys.executable, "-P", "-m"' not in start] == []


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel and, of this one, the dependencies alone."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in SHIPPED:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements-authorizer.lock", "requirements-admin.lock"):
        shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    built = run([*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "."], source)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    venv = folder / "venv"
    assert run([sys.executable, "-m", "venv", "--without-pip", str(venv)], folder).returncode == 0
    python = venv / "bin" / "python"
    added = run([*pip, "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)], folder)
    assert added.returncode == 0, added.stderr
    # A path in a .pth file is searched last, and the .pth files in it, such as that of the checkout, are not followed.
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture
def empty(tmp_path: Path, installed: Path) -> Iterator[Path]:
    """An empty folder, in which a stack that runs is stopped at the end."""
    yield tmp_path
    run([str(installed.parent / "gatebook"), "down"], tmp_path)


def test_an_installed_wheel_brings_up_the_local_stack(installed: Path, empty: Path) -> None:
    where = run(
        [
            str(installed),
            "-c",
            "import authorizer, infra.package as p; f = p.AUTHORIZER.lock_file; print(authorizer.__file__, f, f.is_file())",
        ],
        empty,
    )
    code, lock, there = where.stdout.split()
    prefix = str(installed.parents[1])
    assert (code.startswith(prefix), lock.startswith(prefix), there) == (True, True, "True"), where.stdout + where.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    up = run([str(installed.parent / "gatebook"), "up", "--detach", "--port", str(port)], empty)
    assert up.returncode == 0, up.stdout + up.stderr
    note = json.loads((empty / ".gatebook" / "local.json").read_text())
    assert note["aws_endpoint"].endswith(f":{port}")
    matrix = run([str(installed.parent / "gatebook"), "who-can", "petstore", "GET", "/pets", "--json"], empty)
    assert matrix.returncode == 0, matrix.stderr
    assert json.loads(matrix.stdout)["access"]
    assert sorted(path.name for path in empty.iterdir()) == [".gatebook"]

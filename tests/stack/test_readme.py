"""README's change that bites, as it is written: every command is run against the local stack, and what it prints is compared."""

import os
import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.local_stack import GATEBOOK, LocalStack

pytestmark = pytest.mark.stack

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

HASH = re.compile(r"\b[0-9a-f]{64}\b")


def session() -> list[tuple[str, str]]:
    """Each command of the section with what README says it prints."""
    [section] = re.findall(r"^## A change, and how it bites$(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    [block] = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        end = next(number for number, line in enumerate(lines, start=1) if not line.endswith("\\\n"))
        found.append(("".join(lines[:end]), "".join(lines[end:])))
    return found


def shell(folder: Path, *commands: str) -> str:
    """What the commands print to standard output, one after the other, in one shell of the stack's folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PERMISSIONS_"))}
    result = subprocess.run(
        ["bash", "-c", "\n".join(commands)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_change_of_readme_bites_as_it_says(stack: LocalStack) -> None:
    command = stack.folder / ".venv" / "bin" / "gatebook"
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {shlex.join(GATEBOOK)} "$@"\n')
    command.chmod(0o755)
    # README speaks of a stack that was never changed. Here other tests may have published before.
    base = int(re.findall(r"^# gatebook-base: petstore version (\d+) ", stack.gatebook("export", "petstore").stdout)[0])

    def later(text: str) -> str:
        text = re.sub(r"\bversion (\d+)\b", lambda found: f"version {int(found[1]) + base - 1}", text)
        text = re.sub(r"\bbecomes (\d+)\b", lambda found: f"becomes {int(found[1]) + base - 1}", text)
        return HASH.sub("HASH", re.sub(r"rollback petstore (\d+)", lambda found: f"rollback petstore {int(found[1]) + base - 1}", text))

    functions, answers = [], []
    for typed, printed in session():
        if re.match(r"\w+\(\) ", typed):
            functions.append(typed)
        elif not typed.startswith("sleep "):
            said = HASH.sub("HASH", shell(stack.folder, *functions, later(typed)))
            end = time.monotonic() + 90
            # README waits for ten seconds, which a busy machine may not keep.
            while typed.startswith("guest ") and said != printed and time.monotonic() < end:
                said = shell(stack.folder, *functions, typed)
            assert said == later(printed), typed
            answers += [said.strip()] if typed.startswith("guest ") else []
    assert answers == ["403", "200", "403"]

"""`gatebook --help` is shown at once, and shows what the commands say of themselves."""

import subprocess
import sys

import pytest
import typer.testing

from admin_api.cli.app import app
from admin_api.cli.overview import overview

# Each takes a tenth of a second or more.
SLOW = ("boto3", "botocore", "pydantic", "pynamodb", "yaml", "admin_api.publishing", "admin_api.schemas", "authorizer")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_overview_shows_what_the_commands_say(arguments: list[str]) -> None:
    shown, told = (typer.testing.CliRunner().invoke(one, arguments, prog_name="gatebook") for one in (overview(), app))
    assert "who-can" in shown.output
    assert (shown.output, shown.exit_code) == (told.output, told.exit_code)


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["--help"], 0)])
def test_the_overview_waits_for_no_command(arguments: list[str], code: int) -> None:
    script = f"import sys\nsys.argv = ['gatebook', *{arguments!r}]\nfrom admin_api.cli.main import main\ntry: main()\nfinally: print(*sys.modules, sep='\\n')"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    loaded = result.stdout.splitlines()
    assert (result.returncode, "admin_api.cli.overview" in loaded) == (code, True), result.stderr
    assert [name for name in loaded if name.startswith(SLOW)] == []


def test_a_command_is_found_beyond_the_overview() -> None:
    script = "import sys\nsys.argv = ['gatebook', 'plan', '--help']\nfrom admin_api.cli.main import main\nmain()"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, "--detailed-exitcode" in result.stdout) == (0, True), result.stderr

"""Runs a program of this package as a child that shares the terminal: what the command itself may not import."""

import signal
import subprocess
import sys
from collections.abc import Mapping


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module: `module_command("infra.local")` -> `[python, -P, -m, infra.local]`."""
    # `-P`: without it Python looks for modules in the current folder first, and would run an `infra` of the user's.
    return [sys.executable, "-P", "-m", module, *arguments]


def run_in_foreground(command: list[str], environment: Mapping[str, str] | None = None) -> int:
    """Run a command until it ends by itself, whatever the keyboard says, and return its exit code. Without an environment it has that of this process."""
    child = subprocess.Popen(command, env=environment)  # noqa: S603  # our own module, started with our own interpreter
    # Ctrl-C reaches the child by itself, since it shares the terminal; SIGTERM has to be passed on.
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue

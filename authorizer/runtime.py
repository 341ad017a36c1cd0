"""Sees at cold start that the packages beside this code are made for the Python and the processor that run it.

Without compiled packages python-jose takes slow ones of pure Python, or fails far from the cause. Whoever deployed the wrong zip is told so here.
"""

import json
import os
import sys
from pathlib import Path

BUILT_FOR = "built_for.json"
"""Stands beside this module in a zip: `{"python": "3.13", "machine": "aarch64"}`. Where nothing was packed there is none."""

PYTHON = "3.13"
"""What zips are built for, and what the templates name as the functions' runtime."""

ARCHITECTURES = {"aarch64": "arm64", "x86_64": "x86_64"}
"""Processors as the machine calls them and as Lambda does."""


class WrongRuntimeError(Exception):
    """The zip is for another Python or processor. The message says which, and how to build the right one."""


def check_runtime(folder: Path = Path(__file__).parent) -> None:
    """Raise `WrongRuntimeError` unless the compiled packages can be used. `folder` is where the zip says what it is for."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}", os.uname().machine
    record = folder / BUILT_FOR
    built = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else None
    if built is not None and (built["python"], built["machine"]) != here:
        raise WrongRuntimeError(
            f"this zip is for {_named(built['python'], built['machine'])}, and the function runs {_named(*here)}: {_remedy(here[1])}"
        )
    try:
        # What python-jose's fast backend stands on. It would hide that this cannot be imported.
        import cryptography.hazmat.bindings._rust  # noqa: F401, PLC0415
    except ImportError as error:
        raise WrongRuntimeError(f"package `cryptography` cannot be used by {_named(*here)} ({error}): {_remedy(here[1])}") from error


def _named(python: str, machine: str) -> str:
    return f"Python {python} on {ARCHITECTURES.get(machine, machine)}"


def _remedy(machine: str) -> str:
    architecture = ARCHITECTURES.get(machine, machine)
    return f"build it with `python -m infra.package --arch {architecture}` for runtime `python{PYTHON}`, and deploy with `Architecture={architecture}`"

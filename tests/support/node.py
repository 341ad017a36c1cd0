"""Node, which runs the console's modules outside of a browser."""

import os
import shutil

import pytest


def node(name: str = "node") -> str:
    """Return where a program of Node is. Skips the test where there is none, except in CI."""
    path = shutil.which(name)
    if path is None:
        assert not os.environ.get("CI"), f"CI has no `{name}`: the console's types and modules are not tested without Node"
        pytest.skip(f"no `{name}` here: install Node 20 or newer to test the console's types and modules")
    return path

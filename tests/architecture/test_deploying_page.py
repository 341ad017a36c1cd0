"""The table of docs/deploying.md is that of the templates: every parameter, where it is, and its default."""

import re
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]


def _default(parameter: dict[str, Any]) -> str:
    if "Default" not in parameter:
        return "(required)"
    return f"`{parameter['Default']}`" if str(parameter["Default"]) else "(empty)"


def test_the_table_has_every_parameter_with_its_default() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([a-z, ]+) \| ([^|]+) \| (.+) \|$", (ROOT / "docs/deploying.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    expected: dict[str, tuple[list[str], list[str]]] = {}
    for template, file in (("base", "template.yaml"), ("sample", "sample_api.yaml")):
        for name, parameter in yaml_parse((ROOT / "infra" / file).read_text(encoding="utf-8"))["Parameters"].items():
            where, defaults = expected.setdefault(name, ([], []))
            where.append(template)
            defaults += [] if _default(parameter) in defaults else [_default(parameter)]
    assert {name: (where, default) for name, where, default, _ in rows} == {
        name: (", ".join(where), "; ".join(defaults)) for name, (where, defaults) in expected.items()
    }
    assert [row[0] for row in rows] == sorted(expected)

"""The console reads and writes YAML as the command does: both are given the same texts."""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from admin_api.cli.render.imported import as_yaml
from admin_api.documents.files import read_file
from authorizer.policy.document import format_document
from authorizer.policy.problems import DocumentError
from tests.architecture.sources import ROOT
from tests.support.node import node

SEED = int(os.environ.get("GATEBOOK_SEED", "20261128"))

MODULE = (ROOT / "admin_api/console/model/yaml_document.js").as_uri()

SCRIPT = f"""
import {{ readYaml, writeYaml }} from {json.dumps(MODULE)};
let text = "";
for await (const part of process.stdin) text += part;
const {{ read, write }} = JSON.parse(text);
const asRead = read.map((each) => {{
  const {{ value, mistakes }} = readYaml(each);
  return {{ value: value ?? null, isRefused: mistakes.length > 0 }};
}});
process.stdout.write(JSON.stringify({{ read: asRead, write: write.map(writeYaml) }}));
"""

# Without tabs: PyYAML refuses one within a plain text, which the admin API would refuse as what nobody sees.
WORDS = (
    *("yes", "No", "on", "OFF", "true", "FALSE", "null", "~", "Null", "nUll", "y", "n", "=", "<<", "", ".inf", "-.INF", ".NaN", ".nan"),
    *(
        "0",
        "-1",
        "+7",
        "007",
        "08",
        "0x1F",
        "0o17",
        "0b11",
        "1_000",
        "_1",
        "190:20:30",
        "1:60",
        "1.5",
        "1.",
        ".5",
        "1e3",
        "1.0e+3",
        "1e+3",
        "6.02E23",
    ),
    *("2026-12-01", "2026-12-01T00:00:00Z", "2026-1-1 1:00:00", "2026-13-41", "12:30", "1-2-3"),
    *(
        "GET /pets/{petId}",
        "* /**",
        "guest -> DELETE /**",
        "[a",
        "a]",
        "{a",
        "a: b",
        "a:b",
        "a #b",
        "#b",
        "- a",
        "-a",
        "? a",
        "!a",
        "&a",
        "*a",
        "|",
        ">",
        "@a",
        "`a",
    ),
    *(
        "'a'",
        '"a"',
        "it's",
        'say "a"',
        "ä",
        "a\\b",
        "%a",
        ",a",
        "a,b",
        " a",
        "a ",
        "a\nb",
        "custom:tenant",
        "ü: x",
        "a" * 200,
        "word " * 40,
    ),
)


def in_console(read: list[str], write: list[Any]) -> Any:
    """What the console reads in these texts, and how it writes these values."""
    sent = json.dumps({"read": read, "write": write})
    ran = subprocess.run([node(), "--input-type=module", "-e", SCRIPT], input=sent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout)


def as_command_reads(file: Path, text: str) -> tuple[Any, bool]:
    """The value of a text and whether the command refuses it, for what it is as YAML."""
    file.write_text(text, encoding="utf-8")
    try:
        [document] = read_file(file)
    except DocumentError:
        return None, True
    return document.value, bool(document.problems)


def kind(value: Any) -> Any:
    """The value; of a number only that it is one, since a document has none anywhere."""
    if isinstance(value, list):
        return [kind(each) for each in value]
    return "a number" if isinstance(value, int | float) and not isinstance(value, bool) else value


def test_each_word_is_read_alike(tmp_path: Path) -> None:
    texts = [f"- {word}\n" for word in WORDS if "\n" not in word] + [f"[{word}]\n" for word in WORDS if word.isalnum()]
    found = in_console(texts, [])["read"]
    expected = [as_command_reads(tmp_path / "a.yaml", text) for text in texts]
    differ = [
        (text, seen, wanted)
        for text, seen, wanted in zip(texts, found, expected, strict=True)
        if (seen["isRefused"], None if seen["isRefused"] else kind(seen["value"])) != (wanted[1], None if wanted[1] else kind(wanted[0]))
    ]
    assert differ == []


def test_what_the_console_writes_the_command_reads(tmp_path: Path) -> None:
    print(f"\nGATEBOOK_SEED={SEED}")
    chosen = random.Random(SEED)

    def group() -> dict[str, Any]:
        return {"allow": [chosen.choice(WORDS), {"route": chosen.choice(WORDS), "public": True}], "deny": []}

    def name() -> str:
        return chosen.choice(WORDS) + chosen.choice(["", " x", ":", "#"])

    values = [{"api": "a", "groups": {name(): group() for _ in range(3)}} for _ in range(200)]
    written = in_console([], values)["write"]
    for value, text in zip(values, written, strict=True):
        assert as_command_reads(tmp_path / "a.yaml", text) == (value, False), text
    again = in_console(written, [])["read"]
    assert [each["value"] for each in again] == values


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_a_document_looks_as_export_writes_it(name: str) -> None:
    documents = [format_document(each.parse()) for each in read_file(ROOT / f"seed_data/{name}.yaml")]
    assert in_console([], documents)["write"] == [as_yaml(each) for each in documents]

"""Fills the permission table by running the `gatebook` command as a child, exactly as a pipeline would."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from authorizer.table.keys import HEAD, api_key
from infra.local.emulator import Aws
from infra.local.state import LocalStackError
from infra.package import ROOT

_SEPARATOR = re.compile(r"^---(?:\s.*)?$", re.MULTILINE)


def read_documents(file: Path) -> dict[str, str]:
    """Return the documents in `file` by the API that each is for, as text. Raises LocalStackError."""
    documents = {}
    try:
        for text in _SEPARATOR.split(file.read_text(encoding="utf-8")):
            document = yaml.safe_load(text)
            if isinstance(document, dict) and isinstance(document.get("api"), str):
                documents[document["api"]] = text
            elif document is not None:
                raise LocalStackError(f"`{file}` holds a document that names no `api`")
    except OSError as error:
        raise LocalStackError(f"the seed file `{file}` cannot be read ({error.strerror}); name another with `--seed`") from error
    except (yaml.YAMLError, ValueError) as error:
        raise LocalStackError(f"the seed file `{file}` is not YAML: {error}") from error
    return documents


def has_permissions(aws: Aws, table: str, api: str) -> bool:
    """Return whether anything has ever been published for this API."""
    answer = aws.dynamodb.get_item(TableName=table, Key={"pk": {"S": api_key(api)}, "sk": {"S": HEAD}}, ConsistentRead=True)
    return "Item" in answer


def apply_missing(aws: Aws, table: str, documents: dict[str, str]) -> list[str]:
    """Applies the documents of those APIs that have no permissions yet, and names them. What a user has edited stays."""
    missing = {api: text for api, text in documents.items() if not has_permissions(aws, table, api)}
    if missing:
        apply(aws, table, "---\n".join(missing.values()))
    return list(missing)


def apply(aws: Aws, table: str, text: str) -> None:
    """`gatebook apply` of one file with this text. Raises LocalStackError with what the command said."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "permissions.yaml"
        file.write_text(text, encoding="utf-8")
        result = subprocess.run(
            [sys.executable, "-P", "-m", "admin_api.cli", "apply", str(file), "--yes"],
            cwd=ROOT,
            env=aws.environment() | {"PERMISSIONS_TABLE": table},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode:
        raise LocalStackError(f"`gatebook apply` failed (exit code {result.returncode}):\n{result.stdout}{result.stderr}".rstrip())

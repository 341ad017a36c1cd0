"""`infra.trim`: what is left of the packages, and that a release of them that has moved on is told of."""

import ast
import gzip
import json
from pathlib import Path
from typing import Any

import botocore
import cryptography
import pytest
import urllib3

from infra import trim

INSTALLED = {package.__name__: Path(str(package.__file__)).parent.parent for package in (botocore, cryptography, urllib3)}
END = "-----END CERTIFICATE-----\n"


def test_a_bundle_without_an_authority_of_aws_is_told_of() -> None:
    bundle = (INSTALLED["botocore"] / "botocore" / "cacert.pem").read_text()
    assert trim.aws_authorities(bundle).count(END) == 5
    start = bundle.index("-----BEGIN", bundle.index('"Amazon Root CA 3"'))
    with pytest.raises(trim.PackageError, match="has no Amazon Root CA 3: "):
        trim.aws_authorities(bundle[:start] + bundle[bundle.index(END, start) + len(END) :])


MODEL: dict[str, Any] = {
    "metadata": {"protocol": "json"},
    "documentation": "prose",
    "operations": {
        "Get": {"input": {"shape": "Key", "documentation": "prose"}, "output": {"shape": "Item"}, "errors": [{"shape": "Missing"}]},
        "Put": {"input": {"shape": "Item"}, "errors": [{"shape": "Full"}]},
    },
    "shapes": {
        "Key": {"type": "string", "documentation": "prose"},
        "Item": {"type": "structure", "members": {"documentation": {"shape": "Text"}, "parts": {"shape": "Parts"}}},
        "Parts": {"type": "map", "key": {"shape": "Key"}, "value": {"shape": "Item"}},
        "Text": {"type": "string"},
        "Missing": {"type": "structure", "members": {}, "exception": True},
        "Full": {"type": "structure", "members": {}, "exception": True},
    },
}


def test_a_model_keeps_its_operations_and_all_shapes_that_they_reach() -> None:
    trimmed = trim.trimmed_model(MODEL, frozenset({"Get"}))
    assert trimmed == {
        "metadata": {"protocol": "json"},
        "operations": {"Get": {"input": {"shape": "Key"}, "output": {"shape": "Item"}, "errors": [{"shape": "Missing"}]}},
        "shapes": {
            "Item": {"type": "structure", "members": {"documentation": {"shape": "Text"}, "parts": {"shape": "Parts"}}},
            "Key": {"type": "string"},
            "Missing": {"type": "structure", "members": {}, "exception": True},
            "Parts": {"type": "map", "key": {"shape": "Key"}, "value": {"shape": "Item"}},
            "Text": {"type": "string"},
        },
    }


def test_an_operation_that_is_not_there_is_told_of() -> None:
    with pytest.raises(trim.PackageError, match="botocore knows no Delete: "):
        trim.trimmed_model(MODEL, frozenset({"Get", "Delete"}))


def test_a_trimmed_model_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    written = []
    for turn in ("first", "second"):
        folder = tmp_path / turn / "botocore" / "data" / "service" / "2012-08-10"
        folder.mkdir(parents=True)
        (folder / "examples-1.json").write_text("{}")
        (folder / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(MODEL).encode()))
        trim.trim_models(tmp_path / turn, {"service": frozenset({"Get"})})
        assert [file.name for file in folder.iterdir()] == ["service-2.json.gz"]
        written.append((folder / "service-2.json.gz").read_bytes())
    assert written[0] == written[1]
    assert json.loads(gzip.decompress(written[0])) == trim.trimmed_model(MODEL, frozenset({"Get"}))


def names_of(module: str) -> set[str]:
    """What a module gives to those who import it, by its text."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("name", trim.STAND_INS)
def test_a_stand_in_has_only_names_of_what_it_stands_for(name: str) -> None:
    original = (INSTALLED[name.partition("/")[0]] / name).read_text()
    assert names_of(trim.STAND_INS[name]) - names_of(original) == set()


@pytest.mark.parametrize("name", [name for name in trim.STAND_INS if "docstring" not in name])
def test_whoever_needs_what_is_missing_is_told_so(name: str) -> None:
    module: dict[str, Any] = {}
    exec(trim.STAND_INS[name], module)  # noqa: S102  # it is our own text
    assert module["__doc__"].startswith("Stands for ")
    for missing in names_of(trim.STAND_INS[name]):
        with pytest.raises(NotImplementedError, match=f"`{missing}` is not in the authorizer's zip"):
            module[missing](b"", backend=None)


def test_docstrings_of_clients_are_empty() -> None:
    module: dict[str, Any] = {}
    exec(trim.STAND_INS["botocore/docs/docstring.py"], module)  # noqa: S102  # it is our own text
    assert module["ClientMethodDocstring"](operation_model=None) == ""


def test_stand_ins_replace_what_is_there(tmp_path: Path) -> None:
    for name in trim.STAND_INS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("original")
    trim.put_stand_ins(tmp_path)
    assert {name: (tmp_path / name).read_text() for name in trim.STAND_INS} == trim.STAND_INS


def test_a_stand_in_for_nothing_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(trim.PackageError, match="is not there any more"):
        trim.put_stand_ins(tmp_path)

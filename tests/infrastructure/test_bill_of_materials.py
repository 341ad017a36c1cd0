"""What stands beside each zip: what it is made of, the licences of that, the hashes and their signature."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra import package
from infra.supply_chain.bill_of_materials import Distribution, bill_of, licences_of, read_distributions
from infra.trim import PackageError


def installed(folder: Path, **metadata: str) -> None:
    for name, fields in metadata.items():
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{fields}\n\nLicense: not a field, but prose\n")


def report(*names: str) -> dict[str, Any]:
    """What pip tells of packages that it installed."""
    return {
        "install": [
            {"metadata": {"name": name, "version": "1.0"}, "download_info": {"archive_info": {"hashes": {"sha256": "ab" * 32}}}}
            for name in names
        ]
    }


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License-Expression: Apache-2.0 OR BSD-3-Clause\nLicense: BSD", "Apache-2.0 OR BSD-3-Clause"),
        ("License: MIT\nClassifier: License :: OSI Approved :: BSD License", "MIT"),
        ("License: Dual License\nClassifier: License :: OSI Approved :: BSD License", "BSD-3-Clause"),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: OSI Approved :: Apache Software License",
            "MIT OR Apache-2.0",
        ),
        ("Classifier: License :: OSI Approved :: Zope Public License", "Zope Public License"),
        ("License: of its own kind", "of its own kind"),
    ],
)
def test_the_licence_of_a_package(tmp_path: Path, fields: str, licence: str) -> None:
    installed(tmp_path, one=fields)
    [found] = read_distributions(tmp_path, report("one"))
    assert found.licence == licence
    assert licences_of([found]) == f"one 1.0: {licence}\n"


def test_a_package_without_a_licence_is_not_deployed(tmp_path: Path) -> None:
    installed(tmp_path, one="Summary: none", two="License: MIT")
    with pytest.raises(PackageError, match="`one` names no licence"):
        read_distributions(tmp_path, report("one", "two"))


def test_a_package_that_pip_does_not_tell_of_is_not_deployed(tmp_path: Path) -> None:
    installed(tmp_path, one="License: MIT")
    with pytest.raises(PackageError, match="`one` is installed and pip's report does not name"):
        read_distributions(tmp_path, report("two"))


def distribution(name: Any, *needs: Any) -> Distribution:
    return Distribution(f"{name}-1.0.dist-info/", name, "1.0", "MIT", frozenset(needs), "cd" * 32)


def test_a_bill_is_what_cyclonedx_asks_for(tmp_path: Path) -> None:
    archive = tmp_path / "gatebook-authorizer-arm64-0123.zip"
    archive.write_bytes(b"zip")
    text = bill_of(archive, "0.1.0", [distribution("one", "two", "not-in-the-zip"), distribution("two")])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"zip").hexdigest()}]
    assert [each["purl"] for each in bill["components"]] == ["pkg:pypi/one@1.0", "pkg:pypi/two@1.0"]
    assert {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]} == {
        "gatebook": ["pkg:pypi/one@1.0", "pkg:pypi/two@1.0"],
        "pkg:pypi/one@1.0": ["pkg:pypi/two@1.0"],
        "pkg:pypi/two@1.0": [],
    }


def test_the_same_zip_has_the_same_bill_and_another_one_another_number(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"zip")
    first = bill_of(archive, "0.1.0", [distribution("one"), distribution("two")])
    assert bill_of(archive, "0.1.0", [distribution("two"), distribution("one")]) == first
    archive.write_bytes(b"other")
    assert json.loads(bill_of(archive, "0.1.0", []))["serialNumber"] != json.loads(first)["serialNumber"]


def test_a_whole_zip_is_built_twice_the_same_and_its_bill_names_what_is_in_it(tmp_path: Path) -> None:
    """With its dependencies, from the lock file, in two folders."""
    first, second = (package.build(package.AUTHORIZER, tmp_path / name, arch="x86_64") for name in ("a", "b"))
    assert first.name == second.name
    for ending in (".zip", package.BILL, package.LICENCES):
        assert first.with_suffix(ending).read_bytes() == second.with_suffix(ending).read_bytes(), ending
    text = first.with_suffix(package.BILL).read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = json.loads(text)["components"]
    with zipfile.ZipFile(first) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist() if name.partition("/")[0].endswith(".dist-info")}
        assert ".report.json" not in archive.namelist()
    assert {f"{each['name'].replace('-', '_')}-{each['version']}.dist-info" for each in components} == folders
    locked = package.AUTHORIZER.lock_file.read_text()
    assert all(f"sha256:{each['hashes'][0]['content']}" in locked for each in components)
    # Whoever deploys has to pass these on.
    assert {each["licenses"][0].get("expression") or each["licenses"][0]["license"].get("id") for each in components} <= {
        *("MIT", "Apache-2.0", "PSF-2.0", "Apache-2.0 OR BSD-3-Clause", "BSD-3-Clause OR Apache-2.0"),
    }


def built(folder: Path) -> list[Path]:
    return [package.build(artefact, folder, code_only=True) for artefact in package.ARTEFACTS]


def test_the_sums_are_those_of_the_files(tmp_path: Path) -> None:
    archives = built(tmp_path)
    archives[0].with_suffix(package.BILL).write_text("{}")
    (tmp_path / "gatebook-authorizer-code-of-yesterday.zip").write_text("old")
    sums = package.write_sums(archives)
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in sums.read_text().splitlines())}
    assert set(listed) == {*(each.name for each in archives), archives[0].with_suffix(package.BILL).name}
    assert all(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed: `apt install openssh-client`")
def test_signed_sums_are_verified_with_the_public_key_and_not_after_a_change(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    assert package.main(["--code-only", "--output", str(tmp_path), "--signing-key", str(key)]) == 0
    printed = capfd.readouterr()
    assert [Path(line).suffix for line in printed.out.splitlines()] == [".zip", ".zip"]
    sums = tmp_path / package.SUMS
    assert sums.read_text() in printed.err
    (tmp_path / "allowed").write_text(f"release@example.com {key.with_suffix('.pub').read_text()}")

    def verify(text: bytes) -> bool:
        command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "release@example.com", "-n", "gatebook", "-s", "SHA256SUMS.sig"]
        return subprocess.run(command, cwd=tmp_path, input=text, capture_output=True, check=False).returncode == 0

    assert verify(sums.read_bytes())
    assert not verify(sums.read_bytes() + b"\n")
    # A second run signs anew.
    assert package.main(["--code-only", "--output", str(tmp_path), "--signing-key", str(key)]) == 0


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="OpenSSH is not installed: `apt install openssh-client`")
def test_a_key_that_signs_nothing_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert package.main(["--code-only", "--output", str(tmp_path), "--signing-key", str(tmp_path / "gone")]) == 1
    assert "could not sign with" in capfd.readouterr().err


def test_without_openssh_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = package.write_sums(built(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match="install OpenSSH"):
        package.sign(sums, tmp_path / "key")

"""Builds the two zips that the functions of Gatebook run from: `python -m infra.package`.

The authorizer's zip holds what its handler imports and nothing else, so that no release of the admin API can deny traffic; the admin's holds the rest. A zip
is the same, byte for byte, for the same sources: entries are sorted and carry a fixed date. Its name carries a hash of its content, so that a stack sees a
new key exactly when the code is new.

Beside each zip stand what it is made of (`.cdx.json`, CycloneDX) and the licences of that (`.licences.txt`); `SHA256SUMS` has the hashes of all, which
`sha256sum --check SHA256SUMS` compares, and with `--signing-key` also a signature of them:

    ssh-keygen -Y verify -f allowed_signers -I release@example.com -n gatebook -s SHA256SUMS.sig < SHA256SUMS
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from authorizer.runtime import ARCHITECTURES, BUILT_FOR, PYTHON
from infra import trim
from infra.supply_chain.bill_of_materials import bill_of, licences_of, read_distributions
from infra.trim import PackageError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Artefact:
    """One zip: the sources in it, the lock file of its dependencies, and what of both is left out since no handler in it imports that.

    Of what botocore knows of AWS, the zip has these services with these operations, or all where none are named.
    """

    name: str
    sources: tuple[str, ...]
    lock_name: str
    left_out: tuple[str, ...]
    botocore_services: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def lock_file(self) -> Path:
        """The lock file: beside the packages in a checkout, below the environment's prefix where a wheel was installed."""
        folders = (ROOT, Path(sys.prefix) / "share" / "gatebook")
        return next((file for folder in folders if (file := folder / self.lock_name).is_file()), ROOT / self.lock_name)

    def holds(self, name: str) -> bool:
        """Return whether a file belongs in the zip: of botocore's descriptions of AWS, for example, the authorizer needs DynamoDB's alone."""
        if self.botocore_services and name.startswith("botocore/data/") and name.count("/") > 2:
            return name.split("/")[2] in self.botocore_services
        return not name.startswith(self.left_out)


# python-jose takes `cryptography` where it is installed, and these where it is not; `cffi` compiles what comes compiled.
_FALLBACK = ("ecdsa", "rsa", "pyasn1", "cffi", "pycparser")
_POWERTOOLS = "aws_lambda_powertools/utilities/"

AUTHORIZER = Artefact(
    "authorizer",
    ("authorizer", "LICENSE"),
    "requirements-authorizer.lock",
    (
        *("authorizer/caller.py", "authorizer/policy/document.schema.json", "authorizer/py.typed"),
        *(
            "aws_lambda_powertools/event_handler/",
            "aws_lambda_powertools/middleware_factory/",
            "aws_lambda_powertools/metrics/provider/datadog/",
        ),
        *(f"{_POWERTOOLS}{name}/" for name in ("auth_alpha", "batch", "circuit_breaker", "data_classes", "data_masking", "feature_flags")),
        *(
            f"{_POWERTOOLS}{name}/"
            for name in ("idempotency", "kafka", "metadata", "parameters", "parser", "streaming", "typing", "validation")
        ),
        # Time zones by name, which no time of the AWS SDK has.
        "dateutil/zoneinfo/",
        *trim.REPLACED,
        *_FALLBACK,
    ),
    # Readers use two. The third is asked where the AWS SDK is told to discover endpoints.
    {"dynamodb": frozenset({"GetItem", "Query", "DescribeEndpoints"}), "ssm": frozenset({"GetParameter"})},
)
ADMIN = Artefact(
    "admin",
    # The command line, the local stack and what editors read stay on people's machines.
    ("authorizer", "admin_api", "infra/__init__.py", "infra/petstore.py", "LICENSE"),
    "requirements-admin.lock",
    ("admin_api/cli/", "admin_api/analysis/policy_tests.schema.json", *_FALLBACK),
)
ARTEFACTS = (AUTHORIZER, ADMIN)

LEFT_OUT_NAMES = frozenset({"__pycache__", "tests", "node_modules", "RECORD", "INSTALLER", "REQUESTED"})

# Newest first; pip takes the first that a dependency offers. Lambda's Amazon Linux 2023 has glibc 2.34.
PLATFORMS = {
    "arm64": ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "x86_64": ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
}
MACHINES = {architecture: machine for machine, architecture in ARCHITECTURES.items()}
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
BILL, LICENCES, SUMS = ".cdx.json", ".licences.txt", "SHA256SUMS"


def build(artefact: Artefact, output: Path, *, code_only: bool = False, arch: str = "arm64") -> Path:
    """Write a zip into `output` and return its path. `code_only` leaves the dependencies out, for the local stack."""
    files = code_files(artefact, ROOT)
    if code_only:
        return write_zip(output, f"gatebook-{artefact.name}-code", files)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        report = install_dependencies(artefact, target, arch)
        made_of = [each for each in read_distributions(target, report) if artefact.holds(each.folder)]
        trim_dependencies(artefact, target)
        files |= dependency_files(artefact, target)
        record = target / BUILT_FOR
        record.write_text(json.dumps({"python": PYTHON, "machine": MACHINES[arch]}), encoding="utf-8")
        files[f"authorizer/{BUILT_FOR}"] = record
        interpreter = find_interpreter()
        if interpreter is None:
            print(f"no python{PYTHON} here: the zip has no bytecode, so that each cold start compiles all of it", file=sys.stderr)
        else:
            files |= bytecode_of(files, target / "bytecode", interpreter)
        archive = write_zip(output, f"gatebook-{artefact.name}-{arch}", files)
    archive.with_suffix(BILL).write_text(bill_of(archive, version("gatebook"), made_of), encoding="utf-8")
    archive.with_suffix(LICENCES).write_text(licences_of(made_of), encoding="utf-8")
    return archive


def trim_dependencies(artefact: Artefact, installed: Path) -> None:
    """Leave of the packages in a folder what an artefact's handler needs, for those that say what that is."""
    if artefact.botocore_services:
        trim.trim_endpoints(installed, artefact.botocore_services.keys())
        trim.trim_models(installed, artefact.botocore_services)
        trim.write_authorities(installed, artefact.name)
        trim.put_stand_ins(installed)


def code_files(artefact: Artefact, root: Path) -> dict[str, Path]:
    """Return names of our own code in the zip, and the files below `root` that they are read from."""
    files: dict[str, Path] = {}
    for source in artefact.sources:
        path = root / source
        if path.is_dir():
            files |= dict(_walk(path, root))
        elif path.is_file():
            files[source] = path
    return {name: file for name, file in files.items() if artefact.holds(name)}


def dependency_files(artefact: Artefact, installed: Path) -> dict[str, Path]:
    """Return names of the dependencies' files in the zip, and the files in the folder that they were installed into."""
    return {name: path for name, path in _walk(installed, installed) if artefact.holds(name)}


def find_interpreter() -> str | None:
    """Return an interpreter of the Python that the zips are for, None if there is none on the path that runs."""
    found = shutil.which(f"python{PYTHON}")
    works = found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0
    return found if works else None


def bytecode_of(files: Mapping[str, Path], scratch: Path, interpreter: str) -> dict[str, Path]:
    """Return the bytecode of all modules among the files, by its name in the zip, compiled below `scratch`.

    It is taken without a look at its source (PEP 552, unchecked hash): the dates in a zip are not those of the files, and what is deployed does not change.
    """
    for name, path in files.items():
        if name.endswith(".py"):
            copy = scratch / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    command = [
        interpreter,
        "-m",
        "compileall",
        "-q",
        "--invalidation-mode",
        "unchecked-hash",
        "-s",
        str(scratch),
        "-p",
        "/var/task",
        str(scratch),
    ]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise PackageError(f"`{interpreter}` could not compile all modules; its message is above")
    return {path.relative_to(scratch).as_posix(): path for path in sorted(scratch.rglob("*.pyc"))}


def write_zip(output: Path, stem: str, files: Mapping[str, Path]) -> Path:
    """Writes `files` to `{stem}-{hash of names and bytes}.zip`, complete or not at all."""
    contents = {name: files[name].read_bytes() for name in sorted(files)}
    digest = hashlib.sha256()
    for name, data in contents.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{stem}-{digest.hexdigest()[:16]}.zip"
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.create_system = 3  # Unix, wherever it is built: the mode below counts
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)
    partial.replace(target)
    return target


def _walk(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(root)
        left_out = name.parts[0] == "bin" or any(part.startswith(".") or part in LEFT_OUT_NAMES for part in name.parts)
        if path.is_file() and not left_out and path.suffix not in {".pyc", ".pyi"}:
            yield name.as_posix(), path


def install_dependencies(artefact: Artefact, target: Path, arch: str) -> Mapping[str, Any]:
    """Install what the lock file pins into a folder and return pip's report of it (https://pip.pypa.io/en/stable/reference/installation-report/)."""
    # --no-deps: the lock file is complete, and pip would judge markers by the Python that runs it, not by Lambda's.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON]
    for platform in PLATFORMS[arch]:
        command += ["--platform", platform]
    report = target / ".report.json"
    command += ["--target", str(target), "--report", str(report), "--requirement", str(artefact.lock_file)]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise PackageError(f"pip could not install `{artefact.lock_name}` for {arch} and Python {PYTHON}; its message is above")
    read: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return read


def write_sums(archives: Sequence[Path]) -> Path:
    """Write `SHA256SUMS` of the zips and of what stands beside each, in the form of `sha256sum`, and return its path."""
    files = [file for archive in archives for file in (archive, archive.with_suffix(BILL), archive.with_suffix(LICENCES)) if file.is_file()]
    sums = archives[0].with_name(SUMS)
    sums.write_text("".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files), encoding="utf-8")
    return sums


def sign(sums: Path, key: Path) -> Path:
    """Sign the sums with an SSH key and return the signature's path. Raises `PackageError` where `ssh-keygen` is not there or cannot use the key."""
    signature = sums.with_name(f"{sums.name}.sig")
    signature.unlink(missing_ok=True)
    try:
        signed = subprocess.run(["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "gatebook", str(sums)], check=False, stdout=sys.stderr)
    except FileNotFoundError:
        raise PackageError("`ssh-keygen` is not here: install OpenSSH, or sign SHA256SUMS by other means") from None
    if signed.returncode:
        raise PackageError(f"`ssh-keygen` could not sign with `{key}`; its message is above")
    return signature


def main(arguments: list[str] | None = None) -> int:
    """Print the paths of the zips and nothing else on standard output, the authorizer's first, so that a script can use them; their hashes beside it."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="build the two zips that the Lambda functions run from")
    parser.add_argument("--code-only", action="store_true", help="leave the dependencies out (for the local stack)")
    parser.add_argument("--arch", choices=sorted(PLATFORMS), default="arm64", help="processor of the functions (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder for the zips (default: %(default)s/)")
    parser.add_argument(
        "--signing-key", type=Path, metavar="FILE", help="private SSH key that signs the hashes (default: they are not signed)"
    )
    options = parser.parse_args(arguments)
    try:
        archives = [build(artefact, options.output, code_only=options.code_only, arch=options.arch) for artefact in ARTEFACTS]
        sums = write_sums(archives)
        if options.signing_key is not None:
            print(f"signed: {sign(sums, options.signing_key)}", file=sys.stderr)
        print(sums.read_text(encoding="utf-8"), end="", file=sys.stderr)
        print(*archives, sep="\n")
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

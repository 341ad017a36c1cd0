"""Builds the zip that every function of Gatebook runs from: `python -m infra.package`.

The zip is the same, byte for byte, for the same sources: entries are sorted and carry a fixed date. Its name carries a hash of its
content, so that a stack sees a new key exactly when the code is new.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK_FILE = next(
    (file for folder in (ROOT, Path(sys.prefix) / "share" / "gatebook") if (file := folder / "requirements-lambda.lock").is_file()),
    ROOT / "requirements-lambda.lock",
)
"""Beside the packages in a checkout, below the environment's prefix where a wheel was installed."""

PYTHON_VERSION = "3.13"

# What the functions import. The command line and the local stack stay on people's machines.
SOURCES = ("authorizer", "admin_api", "infra/__init__.py", "infra/petstore.py", "LICENSE")
LEFT_OUT = ("admin_api/cli",)
LEFT_OUT_NAMES = frozenset({"__pycache__", "tests", "node_modules", "RECORD", "INSTALLER", "REQUESTED"})

# Newest first; pip takes the first that a dependency offers. Lambda's Amazon Linux 2023 has glibc 2.34.
PLATFORMS = {
    "arm64": ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
    "x86_64": ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
}
FIXED_DATE = (1980, 1, 1, 0, 0, 0)


class PackageError(Exception):
    """The zip cannot be built; the message says what to do."""


def build(output: Path, *, code_only: bool = False, arch: str = "arm64") -> Path:
    """Writes the zip into `output` and returns its path. `code_only` leaves the dependencies out, for the local stack."""
    files = code_files(ROOT)
    if code_only:
        return write_zip(output, "gatebook-code", files)
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch)
        _install_dependencies(target, arch)
        files |= {name: path for name, path in _walk(target, target) if name not in files}
        return write_zip(output, f"gatebook-{arch}", files)


def code_files(root: Path) -> dict[str, Path]:
    """Names in the zip, and the files below `root` that they are read from."""
    files: dict[str, Path] = {}
    for source in SOURCES:
        path = root / source
        if path.is_dir():
            files |= {name: file for name, file in _walk(path, root) if not name.startswith(tuple(f"{left}/" for left in LEFT_OUT))}
        elif path.is_file():
            files[source] = path
    return files


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
            archive.writestr(entry, data)
    partial.replace(target)
    return target


def _walk(folder: Path, root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(root)
        left_out = name.parts[0] == "bin" or any(part.startswith(".") or part in LEFT_OUT_NAMES for part in name.parts)
        if path.is_file() and not left_out and path.suffix not in {".pyc", ".pyi"}:
            yield name.as_posix(), path


def _install_dependencies(target: Path, arch: str) -> None:
    # --no-deps: the lock file is complete, and pip would judge markers by the Python that runs it, not by Lambda's.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION]
    for platform in PLATFORMS[arch]:
        command += ["--platform", platform]
    command += ["--target", str(target), "--requirement", str(LOCK_FILE)]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode:
        raise PackageError(f"pip could not install `{LOCK_FILE.name}` for {arch} and Python {PYTHON_VERSION}; its message is above")


def main(arguments: list[str] | None = None) -> int:
    """Prints the path of the zip and nothing else, so that a script can use it."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="build the zip that the Lambda functions run from")
    parser.add_argument("--code-only", action="store_true", help="leave the dependencies out (for the local stack)")
    parser.add_argument("--arch", choices=sorted(PLATFORMS), default="arm64", help="processor of the functions (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("build"), help="folder for the zip (default: %(default)s/)")
    options = parser.parse_args(arguments)
    try:
        print(build(options.output, code_only=options.code_only, arch=options.arch))
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

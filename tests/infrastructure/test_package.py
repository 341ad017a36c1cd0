"""`python -m infra.package`: the same sources give the same bytes, and each zip holds what its functions import and nothing else."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authorizer.authorities import AUTHORITIES
from authorizer.runtime import PYTHON as PYTHON_VERSION
from infra import package, trim
from tests.integration.faults.hosts import KeyHost, TableHost
from tests.support.events import rest_request_event
from tests.support.issuer import CLIENT_ID, POOL, Issuer
from tests.support.tables import TABLE, Table, publish


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in (
        "authorizer/__init__.py",
        "authorizer/handler.py",
        "authorizer/policy/permission_document.schema.json",
        "authorizer/__pycache__/handler.cpython-313.pyc",
        "authorizer/tests/test_handler.py",
        "admin_api/__init__.py",
        "admin_api/cli/main.py",
        "admin_api/console/index.html",
        "admin_api/console/node_modules/x.js",
        "admin_api/.env",
        "infra/__init__.py",
        "infra/petstore.py",
        "infra/local/serve.py",
        "tests/test_all.py",
    ):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return root


def test_what_is_in_each_zip(tree: Path) -> None:
    assert sorted(package.code_files(package.AUTHORIZER, tree)) == [
        "authorizer/__init__.py",
        "authorizer/handler.py",
        "authorizer/policy/permission_document.schema.json",
    ]
    assert sorted(package.code_files(package.ADMIN, tree)) == [
        "admin_api/__init__.py",
        "admin_api/console/index.html",
        "authorizer/__init__.py",
        "authorizer/handler.py",
        "authorizer/policy/permission_document.schema.json",
        "infra/__init__.py",
        "infra/petstore.py",
    ]


def test_the_zips_of_this_tree_hold_their_handlers(tmp_path: Path) -> None:
    names = {}
    for artefact in package.ARTEFACTS:
        with zipfile.ZipFile(package.build(artefact, tmp_path, code_only=True)) as archive:
            names[artefact.name] = set(archive.namelist())
    assert {"authorizer/handler.py", "authorizer/policy/decision.py"} <= names["authorizer"]
    assert {"admin_api/handler.py", "infra/petstore.py", "authorizer/policy/decision.py"} <= names["admin"]
    assert not [name for name in names["authorizer"] if not name.startswith(("authorizer/", "LICENSE"))]
    assert not [
        name for name in names["admin"] if "tests/" in name or "__pycache__" in name or name.startswith(("admin_api/cli", "infra/local"))
    ]


def test_the_same_sources_give_the_same_bytes(tree: Path, tmp_path: Path) -> None:
    first = package.write_zip(tmp_path / "a", "code", package.code_files(package.ADMIN, tree))
    for file in tree.rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o755)
    second = package.write_zip(tmp_path / "b", "code", package.code_files(package.ADMIN, tree))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_another_source_gives_another_name(tree: Path, tmp_path: Path) -> None:
    before = package.write_zip(tmp_path, "code", package.code_files(package.ADMIN, tree))
    (tree / "authorizer/handler.py").write_text("changed")
    assert package.write_zip(tmp_path, "code", package.code_files(package.ADMIN, tree)).name != before.name


def test_moved_bytes_give_another_name(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("ab")
    (tmp_path / "two").write_text("")
    name = package.write_zip(tmp_path, "code", {"a": tmp_path / "one", "b": tmp_path / "two"}).name
    assert package.write_zip(tmp_path, "code", {"a": tmp_path / "two", "b": tmp_path / "one"}).name != name


def test_the_command_prints_the_two_paths_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert package.main(["--code-only", "--output", str(tmp_path)]) == 0
    authorizer, admin = capsys.readouterr().out.splitlines()
    assert (Path(authorizer).is_file(), Path(admin).is_file()) == (True, True)
    assert Path(authorizer).name.startswith("gatebook-authorizer-")
    assert Path(admin).name.startswith("gatebook-admin-")


def _runtime() -> str | None:
    """The interpreter of the functions, if it is there and runs: a version manager's stand-in may be there and run nothing."""
    found = shutil.which(f"python{PYTHON_VERSION}")
    return found if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0 else None


RUNTIME = _runtime()
PYTHON = RUNTIME or sys.executable
"""The interpreter of the functions where it is installed, else the one of the tests."""


def unpacked(artefact: package.Artefact, folder: Path) -> Path:
    """A folder with what the zip for this machine holds."""
    installed, target = folder / "installed", folder / "task"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    command += ["--python-version", PYTHON_VERSION] if RUNTIME else []
    command += ["--only-binary=:all:", "--target", str(installed), "--requirement", str(artefact.lock_file)]
    subprocess.run(command, check=True)
    package.trim_dependencies(artefact, installed)
    files = package.code_files(artefact, package.ROOT) | package.dependency_files(artefact, installed)
    files |= package.bytecode_of(files, folder / "bytecode", PYTHON)
    with zipfile.ZipFile(package.write_zip(folder, artefact.name, files)) as archive:
        archive.extractall(target)
    return target


@pytest.fixture(scope="module")
def authorizer_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(package.AUTHORIZER, tmp_path_factory.mktemp("authorizer"))


@pytest.fixture(scope="module")
def admin_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(package.ADMIN, tmp_path_factory.mktemp("admin"))


ISSUER = Issuer()

ANSWER = """
import json, sys
sys.path.insert(0, {task!r})
import botocore.session
make, clients = botocore.session.Session.create_client, []
botocore.session.Session.create_client = lambda self, name, *rest, **named: clients.append(name) or make(self, name, *rest, **named)
from {handler} import handler
answer = handler(json.loads({event!r}), None)
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print(json.dumps([answer, clients, sorted(file.removeprefix({task!r} + "/") for file in files if file.startswith({task!r}))]))
"""


def answered(task: Path, handler: str, event: dict[str, Any], settings: dict[str, str]) -> tuple[Any, list[str], set[str]]:
    """What a handler answers in a process that sees nothing but the zip, the clients of AWS that it has made by then, and what it has imported of the zip."""
    script = ANSWER.format(task=str(task), handler=handler, event=json.dumps(event))
    # -I and -S: neither this folder nor the virtual environment is on the path.
    run = [PYTHON, "-I", "-S", "-c", script]
    result = subprocess.run(run, cwd=task.parent, env=settings, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    answer, clients, files = json.loads(result.stdout.splitlines()[-1])
    return answer, clients, set(files)


@pytest.fixture
def settings(table: Table, dynamodb: Any) -> Iterator[dict[str, str]]:
    """A published table and a key set behind real ports."""
    publish("{api: petstore, routes: [GET /pets], groups: {guest: {allow: [GET /pets]}}}")
    with KeyHost(ISSUER.jwks()).running() as keys, TableHost(dynamodb).running() as host:
        yield {
            "PERMISSIONS_TABLE": TABLE,
            "API": "petstore",
            "USER_POOL_ID": POOL,
            "APP_CLIENT_IDS": CLIENT_ID,
            "JWKS_URI": keys.uri,
            "CACHE_SCOPE": "route",
            **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), "eu-west-1"),  # as the runtime sets both
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_ENDPOINT_URL_DYNAMODB": host.url,
        }


def asked(**claims: Any) -> dict[str, Any]:
    token = ISSUER.access_token("guest", exp=4_000_000_000, iat=1_700_000_000, auth_time=1_700_000_000, **claims)
    return rest_request_event("GET", "/pets", "/pets", headers=[("Authorization", f"Bearer {token}")])


def test_the_authorizers_zip_answers_alone(authorizer_task: Path, settings: dict[str, str]) -> None:
    answer, clients, imported = answered(authorizer_task, "authorizer.handler", asked(), settings)
    assert [statement["Effect"] for statement in answer["policyDocument"]["Statement"]] == ["Allow"]
    ours = {path.relative_to(authorizer_task).as_posix() for path in (authorizer_task / "authorizer").rglob("*.py")}
    assert ours - imported == set(), "the zip holds modules that no authorizer imports"
    assert clients == ["dynamodb"]
    # Each module costs a cold start half a millisecond: what comes with a new release of a package is looked at.
    assert len(imported) <= 285
    assert trim.STAND_INS.keys() - imported == set(), "what nobody imports needs no stand-in"


def test_the_zip_reads_its_issuers_from_a_parameter(authorizer_task: Path, settings: dict[str, str]) -> None:
    own = json.dumps([{"issuer": ISSUER.issuer, "client_ids": [CLIENT_ID], "jwks_uri": settings.pop("JWKS_URI")}])
    for name in ("USER_POOL_ID", "APP_CLIENT_IDS"):
        del settings[name]

    class SystemsManager:
        def get_parameter(self, **asked: Any) -> dict[str, Any]:
            assert asked == {"Name": "/gatebook/issuers", "WithDecryption": True}
            return {"Parameter": {"Value": own}, "ResponseMetadata": {}}

    with TableHost(SystemsManager()).running() as host:
        settings |= {"TRUSTED_ISSUERS": "ssm:/gatebook/issuers", "AWS_ENDPOINT_URL_SSM": host.url}
        answer, clients, _ = answered(authorizer_task, "authorizer.handler", asked(), settings)
    assert [statement["Effect"] for statement in answer["policyDocument"]["Statement"]] == ["Allow"]
    assert (clients, [operation for _, operation in host.calls]) == (["ssm", "dynamodb"], ["GetParameter"])


def test_the_authorizers_zip_holds_no_package_that_it_does_not_import(authorizer_task: Path, settings: dict[str, str]) -> None:
    """Neither at the top nor among the parts of Powertools, which bring a web framework and pages along."""
    _, _, imported = answered(authorizer_task, "authorizer.handler", asked(), settings)
    held = {path.relative_to(authorizer_task).as_posix() for path in authorizer_task.rglob("*.py")}
    for depth, below in ((1, ""), (2, "aws_lambda_powertools/"), (3, "aws_lambda_powertools/utilities/")):
        packages = {"/".join(name.split("/")[:depth]) for name in held if name.startswith(below) and name.count("/") >= depth}
        used = {"/".join(name.split("/")[:depth]) for name in imported}
        assert packages - used == set()


def test_the_authorizers_zip_knows_the_services_that_it_calls_alone(authorizer_task: Path) -> None:
    assert sorted(path.name for path in (authorizer_task / "botocore" / "data").iterdir() if path.is_dir()) == ["dynamodb", "ssm"]
    endpoints = json.loads((authorizer_task / "botocore" / "data" / "endpoints.json").read_text())
    assert {name for partition in endpoints["partitions"] for name in partition["services"]} == {"dynamodb", "ssm"}
    assert {partition["partition"] for partition in endpoints["partitions"]} >= {"aws", "aws-cn", "aws-us-gov"}
    size = sum(path.stat().st_size for path in authorizer_task.parent.glob("authorizer-*.zip"))
    assert size < 7_700_000
    described = {path.name for path in (authorizer_task / "botocore" / "data" / "dynamodb").glob("*/*")}
    assert described == {"endpoint-rule-set-1.json.gz", "service-2.json.gz"}


def test_the_authorizers_zip_has_the_authorities_of_aws(authorizer_task: Path, admin_task: Path) -> None:
    """The five of https://www.amazontrust.com/repository, byte for byte as botocore's bundle has them, which other hosts keep."""
    bundle = (authorizer_task / "botocore" / "cacert.pem").read_text()
    text = (authorizer_task / "authorizer" / AUTHORITIES).read_text()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=text)
    subjects: list[Any] = [authority["subject"] for authority in context.get_ca_certs()]
    assert {dict(part for [part] in subject)["commonName"] for subject in subjects} == {
        *("Amazon Root CA 1", "Amazon Root CA 2", "Amazon Root CA 3", "Amazon Root CA 4"),
        "Starfield Services Root Certificate Authority - G2",
    }
    certificates = [f"{certificate}{END}" for certificate in text.split(END)[:-1]]
    assert len(certificates) == 5
    assert all(certificate in bundle for certificate in certificates)
    assert bundle.count(END) > 100
    assert not list((admin_task / "authorizer").rglob("*.pem"))


END = "-----END CERTIFICATE-----\n"


def test_every_module_of_a_zip_has_bytecode_that_is_taken_as_it_is(authorizer_task: Path) -> None:
    modules = list(authorizer_task.rglob("*.py"))
    assert len(modules) > 300
    for module in modules:
        [compiled] = (module.parent / "__pycache__").glob(f"{module.stem}.*.pyc")
        # PEP 552: hash-based, and the source is not looked at.
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", module


def test_bytecode_names_no_folder_of_the_machine_that_built_it(tree: Path, tmp_path: Path) -> None:
    compiled = package.bytecode_of(package.code_files(package.ADMIN, tree), tmp_path / "scratch", sys.executable)
    assert f"authorizer/__pycache__/handler.{sys.implementation.cache_tag}.pyc" in compiled
    assert all(name.endswith(".pyc") for name in compiled)
    for path in compiled.values():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_a_module_that_does_not_compile_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def")
    with pytest.raises(trim.PackageError, match="could not compile"):
        package.bytecode_of({"bad.py": tmp_path / "bad.py"}, tmp_path / "scratch", sys.executable)


def test_without_the_functions_python_a_zip_is_built_all_the_same_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(package, "install_dependencies", lambda *_: {"install": []})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert package.find_interpreter() is None
    with zipfile.ZipFile(package.build(package.ADMIN, tmp_path)) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".pyc")]
    assert "no bytecode" in capsys.readouterr().err


BROKEN = {
    "another Python": ('{"python": "3.9", "machine": "MACHINE"}', "this zip is for Python 3.9 on "),
    "another processor": ('{"python": "HERE", "machine": "riscv64"}', "on riscv64, and the function runs Python "),
}


@pytest.mark.parametrize("handler", ["authorizer.handler", "admin_api.handler"])
@pytest.mark.parametrize("case", [*BROKEN, "packages of another processor", "packages of another Python"])
def test_the_wrong_zip_says_so_at_cold_start(admin_task: Path, tmp_path: Path, handler: str, case: str) -> None:
    task = tmp_path / "task"
    shutil.copytree(admin_task, task)
    here = subprocess.run([PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=True)
    bindings = task / "cryptography" / "hazmat" / "bindings"
    if case in BROKEN:
        record, expected = BROKEN[case]
        record = record.replace("HERE", here.stdout.strip()).replace("MACHINE", os.uname().machine)
        (task / "authorizer" / "built_for.json").write_text(record)
    elif case == "packages of another processor":
        expected = "package `cryptography` cannot be used by Python "
        for library in bindings.glob("_rust*.so"):
            library.write_bytes(b"\x7fELF of another machine")
    else:
        expected = "package `cryptography` cannot be used by Python "
        for library in [*bindings.glob("_rust*.so"), *task.glob("_cffi_backend*.so")]:
            library.unlink()
    run = [PYTHON, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(task)!r}); import {handler}"]
    result = subprocess.run(run, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("authorizer.runtime.WrongRuntimeError: ")
    assert expected in last
    assert "python -m infra.package --arch" in last


def test_a_zip_says_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "install_dependencies", lambda *_: {"install": []})
    monkeypatch.setattr(package, "trim_dependencies", lambda *_: None)
    monkeypatch.setattr(package, "find_interpreter", lambda: None)
    for arch, machine in (("arm64", "aarch64"), ("x86_64", "x86_64")):
        for artefact in package.ARTEFACTS:
            with zipfile.ZipFile(package.build(artefact, tmp_path, arch=arch)) as archive:
                assert json.loads(archive.read("authorizer/built_for.json")) == {"python": "3.13", "machine": machine}


def test_the_admins_zip_answers_alone(admin_task: Path, settings: dict[str, str]) -> None:
    event = {"httpMethod": "GET", "path": "/v1/openapi.json", "headers": {}, "requestContext": {}, "resource": "/{proxy+}"}
    answer, _, imported = answered(admin_task, "admin_api.handler", event, settings)
    assert answer["statusCode"] == 200
    assert "admin_api/rest/app.py" in imported


def test_no_zip_holds_what_only_the_fallback_of_python_jose_needs(authorizer_task: Path, admin_task: Path) -> None:
    for task in (authorizer_task, admin_task):
        tops = {path.name.partition("-")[0] for path in task.iterdir()}
        assert {"cryptography", "jose"} <= tops
        assert tops & {"ecdsa", "rsa", "pyasn1", "cffi", "pycparser"} == set()


def test_the_samples_backend_answers_from_the_admins_zip(admin_task: Path, settings: dict[str, str]) -> None:
    answer, _, _ = answered(admin_task, "infra.petstore", {"httpMethod": "GET", "resource": "/pets", "requestContext": {}}, settings)
    assert answer["statusCode"] == 403


def test_the_two_zips_pin_the_same_versions() -> None:
    """What both planes import must not differ between them."""
    pins = [
        {line.split()[0] for line in artefact.lock_file.read_text().splitlines() if line[:1].isalpha()} for artefact in package.ARTEFACTS
    ]
    assert pins[0] < pins[1]
    assert {pin.partition("==")[0] for pin in pins[1] - pins[0]} == {"annotated-types", "pydantic", "pydantic-core", "typing-inspection"}


def test_what_is_left_out_is_there_without_that(tmp_path: Path) -> None:
    """A name that a release of a dependency has given up would leave nothing out."""
    installed = tmp_path / "installed"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
    ]
    subprocess.run(
        [*command, "--only-binary=:all:", "--target", str(installed), "--requirement", str(package.AUTHORIZER.lock_file)], check=True
    )
    names = [path.relative_to(installed).as_posix() for path in installed.rglob("*")]
    names += list(package.code_files(package.Artefact("all", ("authorizer",), "", ()), package.ROOT))
    assert [left for left in package.AUTHORIZER.left_out if not any(f"{name}/".startswith(left) for name in names)] == []

"""What a cold start costs, beside the same of a straightforward authorizer: `python -m tests.benchmarks.cold_start`.

Each cold start is a process of the functions' own Python that imports a packaged handler and answers one request of a caller with 300 routes in three groups.
It fetches the key set and reads the table over TLS, under AWS's own names, from a server in this process. Gatebook runs from its zip as it is deployed,
unpacked; the yardstick (`prototype_d`) from a folder that pip filled with the same locked packages and compiled. Rounds are interleaved. CPU is that of the
child alone, from its start to its answer.
"""

import argparse
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from moto import mock_aws
from rich.console import Console
from rich.table import Table

from authorizer.runtime import ARCHITECTURES, PYTHON
from infra import package
from tests.benchmarks.ratios import Ratio
from tests.conftest import REGION, pytest_configure
from tests.support.authority import Authority
from tests.support.events import Event, rest_request_event
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import CLIENT_ID, ISSUER, POOL, Issuer
from tests.support.tables import TABLE, create_table, open_table, publish

ROUNDS = 15
HOSTS = tuple(f"{service}.{REGION}.amazonaws.com" for service in ("cognito-idp", "dynamodb"))
HERE = Path(__file__).parent
GROUPS_TABLE = "prototype-groups"
GROUPS = ("team0", "team1", "team2")
ROUTES = [f"{verb} /service{n // 10}/resource{n}/{{id}}" for n in range(75) for verb in ("GET", "POST", "PUT", "DELETE")]
FORBIDDEN = "DELETE /service9/resource99/{id}"
DOCUMENT = {
    "api": "petstore",
    "routes": [*ROUTES, FORBIDDEN],
    "groups": {group: {"allow": ROUTES[n::3]} for n, group in enumerate(GROUPS)},
}
GATEBOOK, PROTOTYPE, BARE = "Gatebook's cold start", "prototype D", "the same zip without its bytecode"


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What one process did: its answer, its seconds of CPU, those of the wall after the interpreter's start, and the most memory that it held, in MiB."""

    answer: Mapping[str, Any]
    cpu: float
    wall: float
    peak: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of all rounds. `zip_bytes` is the size of the authorizer's zip, `peak` the median of Gatebook's peak memory in MiB."""

    ratios: tuple[Ratio, ...]
    zip_bytes: int
    peak: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A folder that a handler starts from, as Lambda unpacks it."""

    name: str
    task: Path
    module: str
    environment: Mapping[str, str]

    def start(self, python: str, port: int, event: Event) -> ColdStart:
        """Start cold and answer an event, with every address of the network on this port."""
        order = json.dumps({"task": str(self.task), "module": self.module, "event": event, "port": port})
        # -I and -S: of this machine's packages it sees none; -B: it leaves nothing behind for the next round.
        run = [python, "-I", "-S", "-B", str(HERE / "cold_driver.py")]
        done = subprocess.run(run, input=order, env=dict(self.environment), cwd=self.task, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{self.name} failed: {done.stderr}")
        told = json.loads(done.stdout.splitlines()[-1])
        return ColdStart(told["answer"], told["cpu"], told["wall"], told["peak_kib"] / 1024)


@dataclass(slots=True)
class Upstream:
    """Cognito and DynamoDB on one port: the key set, and the emulator's answers, which are kept from the first round on. Not for rounds that write."""

    dynamodb: Any
    keys: bytes
    delay: float = 0.0
    answers: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    @contextmanager
    def running(self, certificate: Path) -> Iterator[int]:
        """Answer until the block ends, on the port that is given."""
        upstream = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10

            def do_GET(self) -> None:
                threading.Event().wait(upstream.delay)
                self.answer(upstream.keys)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                threading.Event().wait(upstream.delay / 10)
                self.answer(upstream.answer(self.headers["X-Amz-Target"].split(".")[1], body))

            def answer(self, body: bytes) -> None:
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A process that has answered ends without a word to its connections."""

        with Server(("127.0.0.1", 0), Answer) as server:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()

    def answer(self, operation: str, body: bytes) -> bytes:
        """Return what DynamoDB says to a read."""
        known = self.answers.get((operation, body))
        if known is None:
            told = getattr(self.dynamodb, xform_name(operation))(**json.loads(body))
            del told["ResponseMetadata"]
            known = self.answers[operation, body] = json.dumps(told).encode()
        return known


@contextmanager
def upstream(issuer: Issuer, delay: float = 0.0) -> Iterator[Upstream]:
    """Both tables, filled; key sets are answered after `delay` seconds and reads of the tables after a tenth of that."""
    with mock_aws():
        dynamodb = boto3.Session().client("dynamodb", region_name=REGION)
        for table in (TABLE, GROUPS_TABLE):
            create_table(dynamodb, table)
        open_table(TABLE, REGION)
        publish(DOCUMENT)
        for number, group in enumerate(GROUPS):
            for route in ROUTES[number::3]:
                dynamodb.put_item(TableName=GROUPS_TABLE, Item={"pk": {"S": group}, "sk": {"S": route}})
        yield Upstream(dynamodb, issuer.jwks(), delay)


def architecture() -> str:
    """Return the processor of this machine, as Lambda calls it."""
    return ARCHITECTURES[os.uname().machine]


def unpacked(archive: Path, task: Path, authority: str) -> Path:
    """Unpack a zip of the authorizer, and let it trust an authority wherever it trusts any."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(task)
    return trusting(task, authority)


def trusting(task: Path, authority: str) -> Path:
    """Add an authority to each bundle in a folder. The number of the others is what reading a bundle costs."""
    for bundle in task.rglob("*.pem"):
        with bundle.open("a", encoding="utf-8") as file:
            file.write(authority)
    return task


def plain_folder(task: Path, python: str, authority: str) -> Path:
    """Fill a folder as pip does: the authorizer's locked packages, all of them and compiled, beside prototype D."""
    package.install_dependencies(package.AUTHORIZER, task, architecture())
    shutil.copy(HERE / "prototype_d.py", task)
    subprocess.run([python, "-m", "compileall", "-q", str(task)], check=True, stdout=sys.stderr)
    return trusting(task, authority)


def environment(**more: str) -> dict[str, str]:
    """What Lambda's runtime sets, as far as a handler here can tell."""
    return {
        **dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION),
        **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "testing"),
        "AWS_LAMBDA_FUNCTION_NAME": "authorizer",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/bin:/bin",
    } | more


def candidates(folder: Path, archive: Path, python: str, authority: str, beside: Sequence[Path]) -> list[Candidate]:
    """Return all that start in each round: the yardstick first, then the zip, and what is measured beside it."""
    plain = plain_folder(folder / "prototype", python, authority)
    # The system's bundle is Mozilla's, as botocore's is: one of the same length stands for it on every machine.
    system = {"SSL_CERT_FILE": str(plain / "botocore" / "cacert.pem")}
    ours = environment(PERMISSIONS_TABLE=TABLE, API="petstore", USER_POOL_ID=POOL, APP_CLIENT_IDS=CLIENT_ID)
    bare = unpacked(archive, folder / "bare", authority)
    for compiled in bare.rglob("*.pyc"):
        compiled.unlink()
    others = [(path.name, unpacked(path, folder / f"beside{number}", authority)) for number, path in enumerate(beside)]
    return [
        Candidate(PROTOTYPE, plain, "prototype_d", environment(GROUPS_TABLE=GROUPS_TABLE, ISSUER=ISSUER, CLIENT_ID=CLIENT_ID) | system),
        *(
            Candidate(name, task, "authorizer.handler", ours if _trusts_aws(task) else ours | system)
            for name, task in [(GATEBOOK, unpacked(archive, folder / "task", authority)), (BARE, bare), *others]
        ),
    ]


def _trusts_aws(task: Path) -> bool:
    """Return whether a zip has a bundle of its own for Cognito, so that it never reads the system's."""
    return any((task / "authorizer").rglob("*.pem"))


def check_answers(starts: Sequence[Candidate], python: str, port: int, issuer: Issuer) -> None:
    """Raise unless all of them allow the same request and refuse the same."""
    for route, expected in ((ROUTES[33], {"Allow"}), (FORBIDDEN, {"ExplicitDeny", "ImplicitDeny"})):
        for candidate in starts:
            event = event_of(issuer, route)
            answer = candidate.start(python, port, event).answer
            verdict = evaluate(answer["policyDocument"], "execute-api:Invoke", event["methodArn"])
            if verdict not in expected:
                raise RuntimeError(f"{candidate.name} answers {verdict} to `{route}`: what it costs tells nothing")


def event_of(issuer: Issuer, route: str) -> Event:
    """Return a request for a route by a caller in all groups."""
    verb, _, template = route.partition(" ")
    token = issuer.access_token(*GROUPS, exp=4_000_000_000, iat=1_700_000_000, auth_time=1_700_000_000)
    path = template.replace("{id}", "7")
    return rest_request_event(verb, path, template, path_parameters={"id": "7"}, headers=[("Authorization", f"Bearer {token}")])


def cold_starts(folder: Path, *, rounds: int = ROUNDS, delay: float = 0.0, beside: Sequence[Path] = ()) -> Measured | None:
    """Build the authorizer's zip in `folder` and measure it. None where the functions' Python is not installed. `beside` are other zips of the authorizer.

    The ratios are of CPU, of the wall and of peak memory to prototype D's, and of CPU without bytecode to CPU with it.
    """
    python = package.find_interpreter()
    if python is None:
        return None
    archive = package.build(package.AUTHORIZER, folder, arch=architecture())
    issuer, authority = Issuer(), Authority("Authority of a benchmark")
    (folder / "server.pem").write_text(authority.server_pem(HOSTS), encoding="ascii")
    starts = candidates(folder, archive, python, authority.pem, beside)
    taken: dict[str, list[ColdStart]] = {candidate.name: [] for candidate in starts}
    with upstream(issuer, delay) as answering, answering.running(folder / "server.pem") as port:
        check_answers(starts, python, port, issuer)
        event = event_of(issuer, ROUTES[33])
        for _ in range(rounds):
            for candidate in starts:
                taken[candidate.name].append(candidate.start(python, port, event))
    return Measured(tuple(_ratios(taken)), archive.stat().st_size, statistics.median(start.peak for start in taken[GATEBOOK]))


def _ratios(taken: Mapping[str, Sequence[ColdStart]]) -> Iterator[Ratio]:
    cpu = {name: [start.cpu for start in starts] for name, starts in taken.items()}
    wall = {name: [start.wall for start in starts] for name, starts in taken.items()}
    peak = {name: [start.peak for start in starts] for name, starts in taken.items()}
    for name in taken:
        if name not in {PROTOTYPE, BARE}:
            yield Ratio.of(f"{name}, CPU", cpu[name], PROTOTYPE, cpu[PROTOTYPE])
            yield Ratio.of(f"{name}, time on the clock", wall[name], PROTOTYPE, wall[PROTOTYPE])
            yield Ratio.of(f"{name}, peak memory", peak[name], PROTOTYPE, peak[PROTOTYPE])
    yield Ratio.of(f"{BARE}, CPU", cpu[BARE], GATEBOOK, cpu[GATEBOOK])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.cold_start", description="what a cold start costs beside prototype D's"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="processes of each kind (default: %(default)s)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until a key set is answered; reads take a tenth (default: 0)")
    parser.add_argument(
        "--beside", type=Path, nargs="*", default=[], metavar="ZIP", help="other zips of the authorizer, for example an older one"
    )
    options = parser.parse_args(arguments)
    pytest_configure()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        measured = cold_starts(Path(folder), rounds=options.rounds, delay=options.delay, beside=options.beside)
    if measured is None:
        console.print(f"not measured: needs python{PYTHON} on the path")
        return 1
    table = Table("what", "ratio", "half of the rounds", "to")
    for ratio in measured.ratios:
        table.add_row(ratio.what, f"{ratio.value:.2f}", f"{ratio.low:.2f} to {ratio.high:.2f}", ratio.to)
    console.print(table)
    console.print(f"zip {measured.zip_bytes / 1e6:.2f} MB, peak memory {measured.peak:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

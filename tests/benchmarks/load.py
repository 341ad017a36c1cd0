"""What the local stack answers under load: `python -m tests.benchmarks.load` (`make load`).

A stack of its own is started in a temporary folder on a free port, and stopped at the end. Users of the tour sign in, and a number of clients ask over HTTP,
each by its own connection, the next request as soon as the last is answered. One backend is asked by four doors, one after the other for each number of
clients: by the one route that no authorizer guards, and by a guarded route with and without the gateway's cache.

Rates and times are those of an emulator in Python and of the machine that runs it, and say nothing about API Gateway. What carries over is the ratio of a
guarded door to the open one beside it, and that each answer is a 200. Nothing here fails.
"""

import argparse
import contextlib
import http.client
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.benchmarks.markdown import prose, table
from tests.benchmarks.ratios import machine
from tests.support.local_stack import LocalStack, free_port

CLIENTS = (1, 20, 50, 200)
USERS = ("guest", "owner", "owner2", "admin")
WARM_SECONDS = 1.0
# Cold starts of a busy machine take long; who is not answered until then is measured as it is.
PATIENCE_SECONDS = 20.0
REMEMBERED_SECONDS = 300
NO_ANSWER = 0
HEADINGS = ("door", "clients", "per s", "to open", "p50 ms", "p99 ms", "procs", "answers")
LEGEND = (
    "`open` asks GET /health, which nobody guards, the others GET /pets/7 behind an authorizer of that kind; `cached` is TOKEN with the gateway's cache. "
    "`to open` is the rate beside that of the open door, `procs` the processes of functions at the end."
)


@dataclass(frozen=True, slots=True)
class Door:
    """A way to the backend of the petstore. `remembered`: by the gateway, in its cache of the authorizer's answers."""

    what: str
    api: str
    path: str
    guarded: bool = True
    remembered: bool = False


OPEN = Door("open", "rest_request", "/health", guarded=False)
DOORS = (
    OPEN,
    Door("REQUEST", "rest_request", "/pets/7"),
    Door("TOKEN", "rest_token", "/pets/7"),
    Door("cached", "rest_token", "/pets/7", remembered=True),
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: when it was complete, how many seconds after the request, and its status (NO_ANSWER if the connection failed)."""

    at: float
    seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One door under one number of clients.

    Rate (per second) and times (milliseconds) are of the requests that were answered in the measured span, whatever the answer. `statuses` counts all answers,
    those of the warm-up too: a refusal while functions start is a refusal. `functions` is how many function processes of the stack were alive at the end.
    """

    door: Door
    clients: int
    per_second: float
    p50: float
    p99: float
    functions: int
    statuses: Counter[int]

    @classmethod
    def of(cls, door: Door, clients: int, replies: Sequence[Reply], span: tuple[float, float], functions: int) -> "Cell":
        """Return the figures of the replies that were complete within `span`; times are NaN where there is none."""
        start, end = span
        times = sorted(reply.seconds * 1000 for reply in replies if start <= reply.at < end)
        statuses = Counter(reply.status for reply in replies)
        return cls(door, clients, len(times) / (end - start), percentile(times, 50), percentile(times, 99), functions, statuses)

    def row(self, open_door: "Cell") -> tuple[str, ...]:
        """Return the texts under HEADINGS; `open_door` is the open door under the same number of clients."""
        ratio = self.per_second / open_door.per_second if open_door.per_second else float("nan")
        answers = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(self.statuses.items()))
        numbers = (str(self.clients), f"{self.per_second:.0f}", f"{ratio:.2f}", f"{self.p50:.0f}", f"{self.p99:.0f}", str(self.functions))
        return (self.door.what, *numbers, answers)


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile of ascending values, NaN of none: `percentile([1, 2, 3, 4], 50) -> 2`."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else float("nan")


@dataclass(slots=True)
class Client:
    """Asks again and again by one connection, until `ended` is set."""

    stack: LocalStack
    door: Door
    token: str
    ended: threading.Event
    replies: list[Reply] = field(default_factory=list)

    def run(self) -> None:
        """Asks; what was answered is in `replies`."""
        api = self.stack.note["apis"][self.door.api]
        url = urlsplit(api["url"])
        headers = {"Host": api["host_header"]} | ({"Authorization": f"Bearer {self.token}"} if self.door.guarded else {})
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        with contextlib.closing(connection):
            while not self.ended.is_set():
                started = time.perf_counter()
                status = _ask(connection, url.path + self.door.path, headers)
                now = time.perf_counter()
                self.replies.append(Reply(now, now - started, status))


def _ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        # Closed, it connects anew with the next request.
        connection.close()
        return NO_ANSWER
    return response.status


def measure(stack: LocalStack, door: Door, clients: int, tokens: Sequence[str], seconds: float) -> Cell:
    """Return what `clients` clients are answered at a door in this many seconds, once each has been answered and WARM_SECONDS are over."""
    ended = threading.Event()
    crowd = [Client(stack, door, tokens[number % len(tokens)], ended) for number in range(clients)]
    threads = [threading.Thread(target=client.run) for client in crowd]
    try:
        for thread in threads:
            thread.start()
        patience = time.perf_counter() + PATIENCE_SECONDS
        time.sleep(WARM_SECONDS)
        while not all(client.replies for client in crowd) and time.perf_counter() < patience:
            time.sleep(0.05)
        start = time.perf_counter()
        time.sleep(seconds)
        end = time.perf_counter()
        functions = len(stack.functions())
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return Cell.of(door, clients, [reply for client in crowd for reply in client.replies], (start, end), functions)


def remember(gateway: Any, host: str, seconds: int) -> None:
    """Have the gateway remember the authorizer's answers of the REST API under this host for as many seconds, 0 for not at all."""
    api_id = host.partition(".")[0]
    for authorizer in gateway.get_authorizers(restApiId=api_id)["items"]:
        change = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": str(seconds)}
        gateway.update_authorizer(restApiId=api_id, authorizerId=authorizer["id"], patchOperations=[change])


@contextlib.contextmanager
def running() -> Iterator[LocalStack]:
    """A local stack of its own, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="gatebook-load-") as folder:
        stack = LocalStack(Path(folder), free_port())
        try:
            stack.start()
            yield stack
        finally:
            stack.gatebook("down", check=False)


def measure_all(console: Console, clients: Sequence[int], seconds: float) -> list[list[Cell]]:
    """Return the cells of each number of clients, in the order of DOORS."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("starting a local stack", total=len(clients) * len(DOORS))
        with running() as stack:
            tokens = [stack.sign_in(user, stack.note["users"][user]["password"])["AccessToken"] for user in USERS]
            gateway = stack.client("apigateway")
            rounds = []
            for number in clients:
                cells = []
                for door in DOORS:
                    progress.update(task, description=f"{number} clients: {door.what}")
                    remember(gateway, stack.note["apis"]["rest_token"]["host_header"], REMEMBERED_SECONDS if door.remembered else 0)
                    cells.append(measure(stack, door, number, tokens, seconds))
                    progress.advance(task)
                rounds.append(cells)
            progress.update(task, description="stopping the local stack")
    return rounds


def rows(rounds: Sequence[Sequence[Cell]]) -> list[tuple[str, ...]]:
    """Return the texts of all cells, those of one number of clients together."""
    return [cell.row(cells[0]) for cells in rounds for cell in cells]


def as_page(rounds: Sequence[Sequence[Cell]], machine: str) -> str:
    """Return the page that tells it, as Markdown."""
    blocks = [
        "# The local stack under load",
        "For: whoever runs tests against `gatebook up`.",
        prose(f"""
            `make load OUT=docs/local-load.md` measures it on your machine and writes this page. Here it was
            measured on {machine}. {LEGEND} Rates are those of an emulator in Python and say nothing about API Gateway; what carries over is the ratio of a
            guarded route to an open one.
        """),
        table(HEADINGS, rows(rounds)),
        prose("""
            The stack works on 12 requests to its APIs at once and keeps 24 processes of functions at most; other requests wait for their turn. The emulator by
            itself has no such queue: with 24 functions running it refuses the next one, which the gateway tells as 500 where it was an authorizer and as 429
            where it was a backend, and it keeps the processes of each function's busiest moment, 72 in all at 50 clients. It also stood still for
            seconds to save the functions' logs, longer than an authorizer waits for its table.
        """),
    ]
    return "\n\n".join(blocks) + "\n"


def as_table(rounds: Sequence[Sequence[Cell]], machine: str) -> Table:
    """Return the same for a terminal, other answers than 200 in red."""
    table = Table(title=f"The local stack on {machine}", title_justify="left", caption=LEGEND, caption_justify="left", box=SIMPLE)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if 0 < number < len(HEADINGS) - 1 else "left")
    for cells in rounds:
        for cell in cells:
            table.add_row(*cell.row(cells[0]), style=None if cell.statuses.keys() == {200} else "red")
        table.add_section()
    return table


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints, and writes Markdown where it is asked to."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS, help="how many at once (default: 1 20 50 200)")
    parser.add_argument("--seconds", type=float, default=2.5, help="how long each cell is measured (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args(arguments)
    console = Console()
    rounds = measure_all(console, options.clients, options.seconds)
    console.print(as_table(rounds, machine()))
    if options.out:
        options.out.write_text(as_page(rounds, machine()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

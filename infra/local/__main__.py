"""`python -m infra.local`: the local stack in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra.local.emulator import Aws, Emulator, running
from infra.local.stack import DEFAULT_SEED, bring_up
from infra.local.state import LocalStackError, StateFolder
from infra.local.tour import Tour

DEFAULT_PORT = 4599


def main(arguments: list[str] | None = None) -> int:
    """Runs the stack until it is told to stop (0), or until something is wrong (1)."""
    options = _parse(arguments)
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        _run(options, console)
    except KeyboardInterrupt:
        console.print("stopped; the state is kept")
    except LocalStackError as error:
        return _fail(str(error))
    except (BotoCoreError, ClientError) as error:
        return _fail(f"the emulator gave an answer that nobody expected: {error}; see `{options.state_dir / 'ministack.log'}`")
    except OSError as error:
        return _fail(f"`{error.filename or options.state_dir}`: {error.strerror or error}; another folder: `--state-dir`")
    return 0


def _fail(message: str) -> int:
    Console(stderr=True).print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    return 1


def _run(options: argparse.Namespace, console: Console) -> None:
    started = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[{time.monotonic() - started:5.1f} s] {text}", markup=False, soft_wrap=True)

    folder = StateFolder(options.state_dir)
    aws = Aws(options.port, folder.access_key())
    # From here on, no profile or endpoint of the user's can lead anything to a real account.
    environment = aws.environment()
    os.environ.clear()
    os.environ.update(environment)
    if options.ready_file:
        options.ready_file.unlink(missing_ok=True)
    with folder.locked() as lock, running(folder, aws, lock) as emulator:
        say(f"emulator on {emulator.aws.endpoint}")
        stack = bring_up(emulator.aws, folder, options.seed, say)
        say(f"ready; how to reach it is in {folder.local_file}")
        # Whoever leaves the tour out writes to a log as a rule, where no password belongs.
        if options.tour:
            tour = Tour(console, stack)
            tour.show()
            tour.instructions()
            console.print("\nCtrl-C stops it.")
        with _ready_file(options.ready_file):
            _wait(emulator)


def _wait(emulator: Emulator) -> None:
    while True:
        emulator.check_alive()
        time.sleep(0.5)


@contextlib.contextmanager
def _ready_file(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.write_text(f"{os.getpid()}\n", encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="run the local stack until Ctrl-C")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument(
        "--state-dir", type=Path, default=Path(".gatebook"), help="folder for what survives a restart (default: %(default)s)"
    )
    parser.add_argument("--seed", type=Path, default=DEFAULT_SEED, help="permissions for APIs that have none yet")
    parser.add_argument("--ready-file", type=Path, help="written when the stack answers, removed when it stops")
    parser.add_argument(
        "--no-tour", dest="tour", action="store_false", help="leave out the tour and the list of users with their passwords"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

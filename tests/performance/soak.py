"""Does a sandbox that lives for long keep its memory? Distinct callers, one after the other, through the whole handler: `python -m tests.performance.soak`.

Each caller is another user in another few of a thousand groups, with grants that are bound to its `sub`, and each has a token of its own. The memory of the
process is measured after the first fifth and at the end: the second may be a fifth more than the first, or the exit code is 1.
"""

import argparse
import gc
import io
import logging
import random
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws
from rich.console import Console
from rich.progress import track

from authorizer.request_loop import Handler
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from tests.conftest import REGION, pytest_configure
from tests.integration.gates import Context, KeyServer, settings_of
from tests.support.aws_calls import AwsCalls
from tests.support.events import rest_request_event
from tests.support.issuer import NOW, Issuer
from tests.support.large_tables import LargeTable
from tests.support.tables import TABLE, create_table, open_table, publish

SCOPES = ("request", "route", "token")
MOST_GROWTH = 1.2
ROUTES = 200


def document(groups: int, seed: random.Random) -> dict[str, Any]:
    """Groups that each bind some routes to their caller and open some to everybody in them."""
    routes = [f"GET /things{number}/{{owner}}" for number in range(ROUTES)]
    held = {}
    for number in range(groups):
        chosen = seed.sample(routes, 6)
        held[f"group{number}"] = {"allow": [*({"route": route, "where": {"owner": "sub"}} for route in chosen[:4]), *chosen[4:]]}
    return {"api": "petstore", "routes": routes, "groups": held}


@contextmanager
def handler(scope: str, groups: int, keys: KeyServer, seed: random.Random) -> Iterator[Handler]:
    """A cold handler on an emulated table that holds the document."""
    with mock_aws(), AwsCalls().installed() as wire:
        create_table(boto3.Session().client("dynamodb", region_name=REGION), TABLE)
        open_table(TABLE, REGION)
        wire.rule = LargeTable(TABLE)
        publish(document(groups, seed))
        handle = build_handler(read_settings(settings_of(keys, CACHE_SCOPE=scope, POLICY_REFRESH_SECONDS="3600")), lambda: NOW)

        def forgetting(event: Mapping[str, Any], context: object) -> Any:
            wire.take()
            return handle(event, context)

        yield forgetting


def resident() -> int:
    """Bytes of the process that are in memory (proc(5), `statm`)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def soak(scope: str, callers: int, groups: int, held: Callable[[], int] = resident) -> tuple[int, int]:
    """Return the bytes that are `held` after a fifth of the callers, and after all of them."""
    seed = random.Random(f"{scope} {callers} {groups}")
    issuer, samples = Issuer(), []
    with KeyServer(issuer.jwks()).running() as keys, handler(scope, groups, keys, seed) as handle, _silence():
        for number in track(range(1, callers + 1), f"{scope} scope", console=Console(stderr=True), disable=not sys.stderr.isatty()):
            mine = [f"group{seed.randrange(groups)}" for _ in range(seed.randint(1, 4))]
            token = issuer.access_token(*mine, sub=f"user{number}", jti=f"jti{number}", username=f"user{number}")
            place = seed.randrange(ROUTES)
            path, template = f"/things{place}/user{number}", f"/things{place}/{{owner}}"
            handle(rest_request_event("GET", path, template, headers=[("Authorization", f"Bearer {token}")]), Context())
            if number in (callers // 5, callers):
                gc.collect()
                samples.append(held())
    early, late = samples
    return early, late


@contextmanager
def _silence() -> Iterator[None]:
    with redirect_stdout(_Nowhere()) as nowhere:
        for log_handler in logging.getLogger("gatebook").handlers:
            assert isinstance(log_handler, logging.StreamHandler)
            log_handler.stream = nowhere
        yield


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


def main(arguments: list[str] | None = None) -> int:
    """Soak in each scope, say what was held, and return 1 if that grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--callers", type=int, default=100_000, help="distinct callers (default: %(default)s)")
    parser.add_argument("--groups", type=int, default=1_000, help="groups of the document (default: %(default)s)")
    parser.add_argument("--scope", choices=SCOPES, action="append", help="cache scope, any number of times (default: each)")
    options = parser.parse_args(arguments)
    pytest_configure()
    worst = 0.0
    for scope in options.scope or SCOPES:
        early, late = soak(scope, options.callers, options.groups)
        worst = max(worst, late / early)
        print(f"{scope}: {early / 2**20:.1f} MiB after {options.callers // 5:,} callers, {late / 2**20:.1f} MiB after {options.callers:,}")
    return int(worst > MOST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())

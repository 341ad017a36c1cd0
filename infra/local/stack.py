"""From a healthy emulator to a stack that answers: deploy, users, seeds, and a look at whether it really works."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.local import deploy, seeds
from infra.local.calls import call, connect
from infra.local.emulator import REGION, Aws
from infra.local.logs import last_lines
from infra.local.state import Api, Local, LocalStackError, StateFolder
from infra.local.users import AppClient, ensure_users
from infra.package import ROOT

DEFAULT_SEED = ROOT / "seed_data" / "dev.yaml"
ADMIN = "admin"
WEBSOCKET = "websocket"

# Path, whose token, and the statuses of an API that works: each function starts, reaches what it needs, and guards what it must. The refusal
# comes last: to the emulator it is a crash, after which the authorizer starts anew.
Probes = tuple[tuple[str, str | None, frozenset[int]], ...]
SAMPLE_PROBES: Probes = (
    ("/health", None, frozenset({200})),
    ("/pets", "guest", frozenset({200, 403})),
    ("/pets", None, frozenset({401})),
)
ADMIN_PROBES: Probes = (
    ("/v1/openapi.json", None, frozenset({200})),
    ("/v1/apis", "admin", frozenset({200, 403})),
    ("/v1/apis", None, frozenset({401})),
)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that answers. `seeded` names the APIs whose permissions were written by this start."""

    aws: Aws
    local: Local
    client: AppClient
    seeded: list[str]


def bring_up(aws: Aws, folder: StateFolder, seed_file: Path, say: Callable[[str], None]) -> Stack:
    """Deploys what changed, repairs what is broken, and writes `local.json`. Raises LocalStackError.

    APIs that the seed file leaves out are seeded as in DEFAULT_SEED: without permissions an authorizer cannot answer.
    """
    documents = seeds.read_documents(DEFAULT_SEED) | seeds.read_documents(seed_file)
    stack = _populate(aws, folder, documents, say)
    faults = _faults(stack)
    if faults:
        say(f"broken: {_told(faults)}; deploying it anew")
        if ADMIN in faults:
            deploy.forget_admin_api(aws)
        if faults.keys() - {ADMIN}:
            deploy.forget_sample(aws)
        stack = _populate(aws, folder, documents, say)
        faults = _faults(stack)
    if faults:
        said = "".join(f"\n  {line}" for line in last_lines(aws)) or " nothing"
        raise LocalStackError(
            f"it does not work: {_told(faults)}. Functions that did not start are in `{folder.emulator_log}`; "
            f"the functions' logs end with:{said}"
        )
    return stack


def _populate(aws: Aws, folder: StateFolder, documents: dict[str, str], say: Callable[[str], None]) -> Stack:
    deployment = deploy.deploy(aws, folder.root / "code")
    say(f"deployed: {', '.join(deployment.changed) or 'nothing to change'}")
    client = AppClient.read(aws, deployment.user_pool_id, deployment.client_id)
    before = folder.read_local()
    users = ensure_users(client, before["users"] if before else {})
    local = Local(
        aws_endpoint=aws.endpoint,
        access_key_id=aws.key.id,
        secret_access_key=aws.key.secret,
        region=REGION,
        table=deployment.table,
        user_pool_id=deployment.user_pool_id,
        client_id=deployment.client_id,
        client_secret=client.secret,
        issuer=deployment.issuer,
        jwks_uri=deployment.jwks_uri,
        apis=deployment.apis,
        users=users,
        console_client_id=deployment.console_client_id,
        console=_console(deployment.apis[ADMIN]),
    )
    folder.write_local(local)
    say(f"users: {', '.join(users)}")
    seeded = seeds.apply_missing(aws, deployment.table, documents)
    say(f"permissions: seeded {', '.join(seeded)}" if seeded else "permissions: kept as they were")
    return Stack(aws, local, client, seeded)


def _console(admin: Api) -> str:
    """Return the console's address. A browser finds every name below `localhost` on this machine (RFC 6761 section 6.3)."""
    return f"http://{admin['host_header']}/{admin['url'].rpartition('/')[2]}/console"


def _faults(stack: Stack) -> dict[str, list[str]]:
    """Return what does not answer as it must, by API. A 403 to a good token is no fault: somebody may have edited the permissions."""
    tokens = {user: stack.client.sign_in(user, stack.local["users"][user]["password"]) for user in ("guest", "admin")}

    def probe(name: str) -> list[str]:
        if name == WEBSOCKET:
            return _faults_of_connections(stack.local["apis"][name], tokens["guest"])
        faults = []
        for path, user, expected in ADMIN_PROBES if name == ADMIN else SAMPLE_PROBES:
            answer = call(stack.local["apis"][name], "GET", path, tokens[user] if user else None)
            if answer.status not in expected:
                how = "with a good token" if user else "without a token"
                faults.append(f"{name} answers GET {path} {how} with {answer.status} {answer.message}")
        return faults

    names = list(stack.local["apis"])
    # All at once: each waits for functions that start for the first time.
    with ThreadPoolExecutor() as pool:
        return {name: found for name, found in zip(names, pool.map(probe, names), strict=True) if found}


def _faults_of_connections(api: Api, token: str) -> list[str]:
    # The emulator answers 500 where API Gateway would answer 401.
    tried = (("with a good token", connect(api, token), {101, 403}), ("without a token", connect(api), {401, 500}))
    return [
        f"connecting {how} is answered with {answer.status} {answer.message}"
        for how, answer, expected in tried
        if answer.status not in expected
    ]


def _told(faults: dict[str, list[str]]) -> str:
    return "; ".join(fault for found in faults.values() for fault in found)

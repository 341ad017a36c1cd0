"""From a healthy emulator to a stack that answers: deploy, users, seeds, and a look at whether it really works."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local import deploy, seeds
from infra.local.calls import call
from infra.local.emulator import REGION, Aws
from infra.local.logs import last_lines
from infra.local.state import Local, LocalStackError, StateFolder
from infra.local.users import AppClient, ensure_users


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that answers. `seeded` names the APIs whose permissions were written by this start."""

    aws: Aws
    local: Local
    client: AppClient
    documents: dict[str, str]
    seeded: list[str]


def bring_up(aws: Aws, folder: StateFolder, seed_file: Path, say: Callable[[str], None]) -> Stack:
    """Deploys what changed, repairs what is broken, and writes `local.json`. Raises LocalStackError."""
    documents = seeds.read_documents(seed_file)
    stack = _populate(aws, folder, documents, say)
    faults = _faults(stack)
    if faults:
        say(f"the sample API is broken ({'; '.join(faults)}): deploying it anew")
        deploy.forget_sample(aws)
        stack = _populate(aws, folder, documents, say)
        faults = _faults(stack)
    if faults:
        said = "".join(f"\n  {line}" for line in last_lines(aws)) or " nothing"
        raise LocalStackError(
            f"the sample API does not work: {'; '.join(faults)}. Functions that did not start are in `{folder.emulator_log}`; "
            f"the authorizers' log ends with:{said}"
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
        region=REGION,
        table=deployment.table,
        user_pool_id=deployment.user_pool_id,
        client_id=deployment.client_id,
        client_secret=client.secret,
        issuer=deployment.issuer,
        jwks_uri=deployment.jwks_uri,
        apis=deployment.apis,
        users=users,
    )
    folder.write_local(local)
    say(f"users: {', '.join(users)}")
    seeded = seeds.apply_missing(aws, deployment.table, documents)
    say(f"permissions: seeded {', '.join(seeded)}" if seeded else "permissions: kept as they were")
    return Stack(aws, local, client, documents, seeded)


def _faults(stack: Stack) -> list[str]:
    """What does not answer as it must. A 403 to a good token is no fault: somebody may have edited the permissions."""
    token = stack.client.sign_in("guest", stack.local["users"]["guest"]["password"])
    faults = []
    for name, api in stack.local["apis"].items():
        for path, given, expected in (("/health", None, {200}), ("/pets", None, {401}), ("/pets", token, {200, 403})):
            answer = call(api, "GET", path, given)
            if answer.status not in expected:
                how = "with a good token" if given else "without a token"
                faults.append(f"{name} answers GET {path} {how} with {answer.status} {answer.message}")
    return faults

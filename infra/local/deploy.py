"""Deploys the templates of `infra/` as they are, and only when they, their parameters or the code have changed."""

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import package
from infra.local.emulator import Aws
from infra.local.state import Api, LocalStackError

BASE_STACK, SAMPLE_STACK = "gatebook", "gatebook-sample"
CODE_BUCKET = "gatebook-code"
TEMPLATES = Path(__file__).resolve().parent.parent
SETTLED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
# States that no update leads out of; the stack holds nothing yet.
DEAD = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
# The same, and the stack may hold data.
STUCK = "UPDATE_ROLLBACK_FAILED"
# What of the base stack is data, and what other stacks hold on to.
KEPT = ("AWS::DynamoDB::", "AWS::Cognito::", "AWS::IAM::ManagedPolicy")


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the stacks gave out. `changed` names the stacks that had to be deployed."""

    table: str
    user_pool_id: str
    client_id: str
    issuer: str
    jwks_uri: str
    console_client_id: str
    apis: dict[str, Api]
    changed: tuple[str, ...]


def deploy(aws: Aws, build_folder: Path) -> Deployment:
    """Brings both stacks up to date. Raises LocalStackError with the first resource that failed."""
    code = {
        "CodeBucket": CODE_BUCKET,
        "AuthorizerCodeKey": _upload_code(aws, package.AUTHORIZER, build_folder),
        "AdminCodeKey": _upload_code(aws, package.ADMIN, build_folder),
        "Architecture": "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64",
        "PolicyRefreshSeconds": "1",
    }
    base, base_changed = _bring_up_base(aws, code)
    if not _exists(aws, base["TableName"]):
        # Only then: where a table was retained, the emulator would overwrite it.
        _delete(aws, SAMPLE_STACK)
        _delete(aws, BASE_STACK)
        base, base_changed = _bring_up_base(aws, code)
    jwks_uri = _jwks_uri(aws, base["UserPoolId"])
    attached = {name: base[name] for name in ("TableName", "AuthorizerReadPolicyArn", "UserPoolId", "AppClientIds")}
    # TTL 0: the emulator takes `context.*` identity sources for absent, and answers 401 to all if it caches.
    parameters = code | attached | {"AuthorizerTtl": "0", "JwksUri": jwks_uri, "MiniStack": "true"}
    sample, sample_changed = _bring_up_to_date(aws, SAMPLE_STACK, "sample_api.yaml", parameters)
    _enable_time_to_live(aws, base["TableName"])
    return Deployment(
        table=base["TableName"],
        user_pool_id=base["UserPoolId"],
        client_id=base["AppClientIds"],
        issuer=base["Issuer"],
        jwks_uri=jwks_uri,
        console_client_id=base["ConsoleClientId"],
        apis={
            # Read anew each time: the emulator gives an API a new id when its definition changes.
            "rest_request": _api(aws, sample["RequestApiId"], sample["RequestApiUrl"]),
            "rest_token": _api(aws, sample["TokenApiId"], sample["TokenApiUrl"]),
            "http": _api(aws, sample["HttpApiId"], sample["HttpApiUrl"]),
            "websocket": _api(aws, sample["WebSocketApiId"], sample["WebSocketApiUrl"], "ws"),
            "admin": _api(aws, base["AdminApiId"], base["AdminApiUrl"]),
        },
        changed=tuple(name for name, changed in ((BASE_STACK, base_changed), (SAMPLE_STACK, sample_changed)) if changed),
    )


def forget_sample(aws: Aws) -> None:
    """Deletes the sample's stack, which holds no data, so that the next deployment builds it from nothing."""
    _delete(aws, SAMPLE_STACK)


def forget_admin_api(aws: Aws) -> None:
    """Takes everything but table and users out of the base stack, so that the next deployment builds the admin API from nothing."""
    body: Any = aws.cloudformation.get_template(StackName=BASE_STACK, TemplateStage="Processed")["TemplateBody"]
    template = {name: section for name, section in body.items() if name != "Outputs"}
    template["Resources"] = {name: resource for name, resource in body["Resources"].items() if resource["Type"].startswith(KEPT)}
    _deploy(aws, BASE_STACK, json.dumps(template), _deployed(aws, BASE_STACK)[1])


def _bring_up_base(aws: Aws, code: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    pool = "" if _status(aws, BASE_STACK) is None else _outputs(aws, BASE_STACK).get("UserPoolId", "")
    parameters = {
        **code,
        "SelfSignUp": "true",
        "UserDirectory": "true",
        "PoolUrl": aws.endpoint,
        "JwksUri": _jwks_uri(aws, pool) if pool else "",
    }
    base, changed = _bring_up_to_date(aws, BASE_STACK, "template.yaml", parameters)
    if base["UserPoolId"] != pool:
        # The pool is new, and only now its id is known, which the address of its keys holds.
        return _bring_up_base(aws, code)[0], True
    return base, changed


def _jwks_uri(aws: Aws, pool: str) -> str:
    return f"{aws.endpoint}/{pool}/.well-known/jwks.json"


def _api(aws: Aws, api_id: str, public_url: str, scheme: str = "http") -> Api:
    stage = public_url.rsplit("/", 1)[1]
    return {"url": f"{scheme}://{aws.endpoint.partition('://')[2]}/{stage}", "host_header": f"{api_id}.execute-api.localhost:{aws.port}"}


def _upload_code(aws: Aws, artefact: package.Artefact, build_folder: Path) -> str:
    archive = package.build(artefact, build_folder, code_only=True)
    for stale in build_folder.glob(f"gatebook-{artefact.name}-code-*.zip"):
        if stale != archive:
            stale.unlink()
    try:
        aws.s3.head_object(Bucket=CODE_BUCKET, Key=archive.name)
    except ClientError:
        aws.s3.create_bucket(Bucket=CODE_BUCKET)
        aws.s3.put_object(Bucket=CODE_BUCKET, Key=archive.name, Body=archive.read_bytes())
    return archive.name


def _bring_up_to_date(aws: Aws, stack: str, template: str, parameters: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    body = (TEMPLATES / template).read_text(encoding="utf-8")
    status = _status(aws, stack)
    if status == STUCK and stack == BASE_STACK:
        raise LocalStackError(
            f"stack `{stack}` is {status}, and building it anew would empty the table; remove the state folder to do that"
        )
    if status in DEAD or status == STUCK:
        _delete(aws, stack)
        status = None
    if status in SETTLED and _deployed(aws, stack) == (body, dict(parameters)):
        return _outputs(aws, stack), False
    changed = _deploy(aws, stack, body, parameters)
    return _outputs(aws, stack), changed


def _deploy(aws: Aws, stack: str, body: str, parameters: Mapping[str, str]) -> bool:
    """Creates or updates a stack. Whether there was anything to do. Raises LocalStackError."""
    change = aws.cloudformation.create_stack if _status(aws, stack) is None else aws.cloudformation.update_stack
    try:
        change(
            StackName=stack,
            TemplateBody=body,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise LocalStackError(f"the template of stack `{stack}` was refused: {error}") from error
        return False
    status = _wait(aws, stack)
    if status not in SETTLED:
        raise LocalStackError(f"stack `{stack}` could not be deployed ({status}): {_first_failure(aws, stack)}")
    return True


def _deployed(aws: Aws, stack: str) -> tuple[str, dict[str, str]]:
    body = aws.cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    described = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    given = {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described.get("Parameters", [])}
    return str(body), given


def _status(aws: Aws, stack: str) -> str | None:
    try:
        return aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def _outputs(aws: Aws, stack: str) -> dict[str, str]:
    described = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _wait(aws: Aws, stack: str, seconds: float = 120.0) -> str | None:
    deadline = time.monotonic() + seconds
    while (status := _status(aws, stack)) is not None and status.endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise LocalStackError(f"stack `{stack}` is still {status} after {seconds:.0f} s; start again, or remove the state folder")
        time.sleep(0.2)
    return status


def _delete(aws: Aws, stack: str) -> None:
    if _status(aws, stack) is not None:
        aws.cloudformation.delete_stack(StackName=stack)
        _wait(aws, stack)


def _first_failure(aws: Aws, stack: str) -> str:
    events = aws.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failures = [event for event in events if event.get("ResourceStatus", "").endswith("_FAILED")]
    if not failures:
        return "no resource reported a failure; see the emulator's log"
    first = min(failures, key=lambda event: event["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"


def _exists(aws: Aws, table: str) -> bool:
    try:
        aws.dynamodb.describe_table(TableName=table)
    except aws.dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def _enable_time_to_live(aws: Aws, table: str) -> None:
    # The template says so, but the emulator passes it over.
    described = aws.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if described.get("TimeToLiveStatus") != "ENABLED":
        aws.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})

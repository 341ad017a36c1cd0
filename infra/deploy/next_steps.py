"""What to do after a deployment, as commands to paste."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

ADMINS = "gatebook-admins"
"""The group that the seeds let edit permissions."""

_PERSON = "you@example.com"


def first_admin(outputs: Mapping[str, str], region: str, *, makes_group: bool) -> list[str]:
    """Return the commands that make a first user who may edit permissions. `makes_group`: the pool is not the stack's, and may lack the group."""
    pool = f"--region {region} --user-pool-id {outputs['UserPoolId']}"
    user = f"{pool} --username {_PERSON}"
    group = [f"aws cognito-idp create-group {pool} --group-name {ADMINS}"] if makes_group else []
    return [
        *group,
        f"aws cognito-idp admin-create-user {user} --user-attributes Name=email,Value={_PERSON} Name=email_verified,Value=true",
        f"aws cognito-idp admin-add-user-to-group {user} --group-name {ADMINS}",
    ]


def apply_seeds(files: Iterable[Path], table: str, region: str) -> str:
    """Return the command that applies seeds: `gatebook apply seed_data/dev.yaml --table T --region eu-west-1`."""
    return shlex.join(["gatebook", "apply", *map(str, files), "--table", table, "--region", region])


def look_at_it(outputs: Mapping[str, str], region: str) -> str:
    """Return the command that looks for what is wrong with the deployed admin API."""
    return f"gatebook doctor {outputs['AdminApiId']} --stage admin --region {region}"


def follow(stack: str, region: str) -> str:
    """Return the command that shows what a stack is doing."""
    return f"aws cloudformation describe-stack-events --region {region} --stack-name {stack} --max-items 20"

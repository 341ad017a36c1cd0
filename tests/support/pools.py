"""A user pool of the emulator, with users and their groups."""

from collections.abc import Mapping, Sequence

import boto3

from tests.conftest import REGION


def create_pool(users: Mapping[str, Sequence[str]], attributes: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Make a pool with these users, each in its groups and with its attributes, and return the pool's id."""
    cognito = boto3.client("cognito-idp", region_name=REGION)
    pool = cognito.create_user_pool(PoolName="users")["UserPool"]["Id"]
    for group in sorted({group for groups in users.values() for group in groups}):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    for name, groups in users.items():
        written = [{"Name": key, "Value": value} for key, value in (attributes or {}).get(name, {}).items()]
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS", UserAttributes=written)  # type: ignore[arg-type]  # names and values
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    return pool

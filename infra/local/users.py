"""The users of the local stack: made by real sign-up, kept across restarts, each able to sign in with the app client's secret."""

import base64
import contextlib
import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.local.emulator import Aws
from infra.local.state import LocalStackError, User

if TYPE_CHECKING:
    from types_boto3_cognito_idp import CognitoIdentityProviderClient

GROUPS: dict[str, list[str]] = {
    "admin": ["admin", "gatebook-admins"],
    "owner": ["owner"],
    "owner2": ["owner"],
    "guest": ["guest"],
    "nobody": [],
    "auditor": ["gatebook-auditors"],
    "petadmin": ["petstore-admins"],
}


@dataclass(frozen=True, slots=True)
class AppClient:
    """The app client of the pool, with the secret that signing in takes."""

    cognito: "CognitoIdentityProviderClient"
    user_pool_id: str
    client_id: str
    secret: str

    @classmethod
    def read(cls, aws: Aws, user_pool_id: str, client_id: str) -> "AppClient":
        """Asks Cognito for the secret, which no stack output shows. Raises LocalStackError if the pool is lost."""
        try:
            described = aws.cognito.describe_user_pool_client(UserPoolId=user_pool_id, ClientId=client_id)
        except aws.cognito.exceptions.ResourceNotFoundException as error:
            raise LocalStackError(f"the saved user pool is lost ({error}); remove the state folder and start again") from error
        return cls(aws.cognito, user_pool_id, client_id, described["UserPoolClient"]["ClientSecret"])

    def secret_hash(self, username: str) -> str:
        """Proof that the caller knows the client secret, as Cognito defines SECRET_HASH."""
        digest = hmac.new(self.secret.encode(), (username + self.client_id).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def sign_up(self, username: str, password: str) -> None:
        """Registers a user and confirms it in place of the code that Cognito would mail."""
        self.cognito.sign_up(
            ClientId=self.client_id,
            SecretHash=self.secret_hash(username),
            Username=username,
            Password=password,
            UserAttributes=[{"Name": "email", "Value": f"{username}@example.com"}],
        )
        self.cognito.admin_confirm_sign_up(UserPoolId=self.user_pool_id, Username=username)

    def sign_in(self, username: str, password: str) -> str:
        """Returns an access token."""
        answer = self.cognito.initiate_auth(
            ClientId=self.client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password, "SECRET_HASH": self.secret_hash(username)},
        )
        return answer["AuthenticationResult"]["AccessToken"]


def ensure_users(client: AppClient, known: dict[str, User]) -> dict[str, User]:
    """Sees to it that each user exists, has its groups, and can sign in with the password of the last run if there was one."""
    users = {}
    for name, groups in GROUPS.items():
        password = known[name]["password"] if name in known else _new_password()
        users[name] = User(password=password, groups=groups)
        _ensure_user(client, name, users[name])
    return users


def _ensure_user(client: AppClient, name: str, user: User) -> None:
    pool = client.user_pool_id
    try:
        client.cognito.admin_get_user(UserPoolId=pool, Username=name)
    except client.cognito.exceptions.UserNotFoundException:
        client.sign_up(name, user["password"])
    held = {group["GroupName"] for group in client.cognito.admin_list_groups_for_user(UserPoolId=pool, Username=name)["Groups"]}
    for group in user["groups"]:
        if group not in held:
            _ensure_group(client, group)
            client.cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    try:
        client.sign_in(name, user["password"])
    except client.cognito.exceptions.NotAuthorizedException:
        # The password of an older state folder's `local.json`, or one that was lost with it.
        client.cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=user["password"], Permanent=True)
        try:
            client.sign_in(name, user["password"])
        except ClientError as error:
            raise LocalStackError(f"user `{name}` cannot sign in: {error}; remove the state folder and start again") from error


def _ensure_group(client: AppClient, name: str) -> None:
    # The template makes the groups that everybody needs; those of the example alone are made here.
    with contextlib.suppress(client.cognito.exceptions.GroupExistsException):
        client.cognito.create_group(UserPoolId=client.user_pool_id, GroupName=name)


def _new_password() -> str:
    # One of each kind that the pool's password policy asks for, then enough at random.
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    return "".join(secrets.choice(kind) for kind in kinds) + "".join(
        secrets.choice(string.ascii_letters + string.digits) for _ in range(15)
    )

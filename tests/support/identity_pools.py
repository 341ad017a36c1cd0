"""An account with a user pool, roles and an identity pool. moto has user pools and IAM; botocore's own stubs answer what it has not."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.support.deployed_apis import API, PROD, StubbedGateway, method_of

REGION = "eu-west-1"
IDENTITY_POOL = f"{REGION}:1f2e3d4c-5b6a-7980-1a2b-3c4d5e6f7a8b"
CLIENT = "5client"
_TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


class Account:
    """What `client` of the command is replaced by. Everything is asked again by each run of the command, so that `answers` lists each run's stubs."""

    def __init__(self) -> None:
        self.idp: Any = boto3.client("cognito-idp", region_name=REGION)
        self.iam: Any = boto3.client("iam", region_name=REGION)
        self.pool: str = self.idp.create_user_pool(PoolName="people")["UserPool"]["Id"]
        self.provider = f"cognito-idp.{REGION}.amazonaws.com/{self.pool}"
        session = botocore.session.get_session()
        self.identity = session.create_client(
            "cognito-identity", region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.stub = Stubber(self.identity)
        self.stub.activate()
        self.gateway = StubbedGateway()
        self.refused: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []

    def client(self, service: str, target: Any) -> Any:
        """Return the client of a service."""
        self.asked.append((service, target.region))
        if service in ("apigateway", "apigatewayv2"):
            return self.gateway.client(service)
        if service == "cognito-identity":
            return self.identity
        made: Any = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]
        for operation in self.refused:
            made.meta.events.register_first(f"before-call.*.{operation}", _refusing(operation))
        return made

    def role(self, name: str, inline: dict[str, Any] | None = None, *attached: tuple[str, dict[str, Any]], path: str = "/") -> str:
        """Make a role with policies by their names, and return its ARN."""
        arn: str = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=_TRUST)["Role"]["Arn"]
        for policy, document in (inline or {}).items():
            self.iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        for policy, document in attached:
            made = self.iam.create_policy(PolicyName=policy, PolicyDocument=json.dumps(document))["Policy"]["Arn"]
            self.iam.attach_role_policy(RoleName=name, PolicyArn=made)
        return arn

    def group(self, name: str, precedence: int, role: str) -> None:
        self.idp.create_group(UserPoolId=self.pool, GroupName=name, Precedence=precedence, RoleArn=role)

    def has_routes(self, *routes: str) -> None:
        """The API's stage `prod` serves these routes, guarded by IAM."""
        self.gateway.is_rest(PROD)
        summary: dict[str, dict[str, dict[str, Any]]] = {}
        for method, path in (route.split() for route in routes):
            summary.setdefault(path, {})[method] = method_of("AWS_IAM")
        self.gateway.has_deployment("d1", summary)

    def has_identity_pool(self, roles: dict[str, Any], tags: dict[str, str] | None, *clients: str) -> None:
        """The identity pool takes sign-ins through app clients, `CLIENT` if none is named."""
        listed = [{"ProviderName": self.provider, "ClientId": each} for each in clients or (CLIENT,)]
        self.describes(listed)
        pool = {"IdentityPoolId": IDENTITY_POOL}
        self.stub.add_response("get_identity_pool_roles", {**pool, **roles}, pool)
        asked = {**pool, "IdentityProviderName": self.provider}
        if tags is None:
            self.stub.add_client_error("get_principal_tag_attribute_map", "ResourceNotFoundException", "no map", 404, expected_params=asked)
        else:
            self.stub.add_response("get_principal_tag_attribute_map", {**asked, "UseDefaults": False, "PrincipalTags": tags}, asked)

    def describes(self, providers: list[dict[str, str]]) -> None:
        pool = {"IdentityPoolId": IDENTITY_POOL}
        answer = {**pool, "IdentityPoolName": "people", "AllowUnauthenticatedIdentities": False, "CognitoIdentityProviders": providers}
        self.stub.add_response("describe_identity_pool", answer, pool)

    def all_were_asked(self) -> None:
        self.stub.assert_no_pending_responses()
        self.gateway.all_were_made()

    def command(self, *more: str) -> tuple[str, ...]:
        """Return the arguments of the import."""
        return ("import", "iam", "--user-pool-id", self.pool, "--identity-pool-id", IDENTITY_POOL, "--api-id", API, *more)


def _refusing(operation: str) -> Callable[..., None]:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "User: x is not authorized"}}, operation)

    return refuse

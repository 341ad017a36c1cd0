"""The yardstick of cold starts: an authorizer as a developer who knows the three libraries writes it in an afternoon.

It imports nothing of Gatebook and runs from a folder that pip filled. One item is one route of one group: `{pk: "team0", sk: "GET /a/{id}"}`. A policy allows
all routes of the caller's groups, with `*` for each parameter; nobody's mistakes, drift or outages are thought of.
"""

import json
import os
import re
import urllib.request
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from jose import jwt
from jose.exceptions import JOSEError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

ISSUER = os.environ["ISSUER"]
CLIENT_ID = os.environ["CLIENT_ID"]

logger = Logger(service="prototype")
metrics = Metrics(namespace="Prototype", service="prototype")
keys: dict[str, Any] = {}


class GroupRoute(Model):
    """One route that a group may call."""

    class Meta:
        """Where the routes are."""

        table_name = os.environ["GROUPS_TABLE"]
        region = os.environ["AWS_REGION"]

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


def public_key(kid: str) -> Any:
    """Return a key of the issuer, whose keys are fetched once."""
    if not keys:
        with urllib.request.urlopen(f"{ISSUER}/.well-known/jwks.json", timeout=3) as response:  # noqa: S310  # the issuer's address is ours
            keys.update({key["kid"]: key for key in json.load(response)["keys"]})
    return keys[kid]


def verified(token: str) -> dict[str, Any]:
    """Return the claims of an access token."""
    key = public_key(jwt.get_unverified_header(token)["kid"])
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, options={"verify_aud": False, "require_exp": True})
    if claims.get("token_use") != "access" or claims.get("client_id") != CLIENT_ID:
        raise JOSEError("not an access token of this client")
    return claims


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the policy of a request's caller."""
    try:
        claims = verified(event["headers"]["Authorization"].removeprefix("Bearer "))
    except (JOSEError, KeyError):
        logger.info("unauthorized")
        raise Exception("Unauthorized") from None  # noqa: TRY002  # API Gateway's word
    stage = "/".join(event["methodArn"].split("/")[:2])
    resources = []
    for group in claims.get("cognito:groups", []):
        for item in GroupRoute.query(group):
            verb, _, path = item.sk.partition(" ")
            resources.append(f"{stage}/{verb}{re.sub(r'{[^}]*}', '*', path)}")
    effect = "Allow" if resources else "Deny"
    logger.info("decision", subject=claims["sub"], effect=effect, routes=len(resources))
    metrics.add_metric(name=effect, unit=MetricUnit.Count, value=1)
    return {
        "principalId": claims["sub"],
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resources or [f"{stage}/*"]}],
        },
        "context": {"subject": claims["sub"]},
    }

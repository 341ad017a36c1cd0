"""The probe's function: authorizer and backend in one. Each call orders by the header `x-probe`, as JSON, what the authorizer answers."""

import json
import os
import time
from typing import Any
from urllib.parse import unquote

ESCAPES = {"*": "${*}", "?": "${?}", "$": "${$}"}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if event.get("type") != "REQUEST":
        return backend(event)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("x-probe-key") != os.environ["KEY"]:
        raise Exception("Unauthorized")  # noqa: TRY002  # the text is what the gateway looks at
    print("order", headers["x-probe"])
    order = json.loads(headers["x-probe"])
    time.sleep(order.get("sleep", 0))
    if "raise" in order:
        raise Exception(order["raise"])  # noqa: TRY002
    return answer(event, order)


def answer(event: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    arn = event.get("methodArn") or event["routeArn"]
    context = {"arn": arn, "number": str(time.time_ns()), "text": order.get("text", ""), "pad": "x" * order.get("pad", 0)}
    context["route"] = event.get("routeKey") or event.get("resource") or ""
    statement: dict[str, Any] = {"Action": "execute-api:Invoke", "Effect": order.get("effect", "Allow"), "Resource": resource(arn, order)}
    if "until" in order:
        limit = str(int(time.time()) + order["until"])
        statement["Condition"] = {"NumericLessThan": {"aws:EpochTime": limit}}
    return {"principalId": "probe", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": context}


def resource(arn: str, order: dict[str, Any]) -> str:
    head, stage, rest = arn.split("/", 2)
    how = str(order.get("resource", "own"))
    if how == "any":
        return head + "/" + stage + "/*"
    if how == "escaped":
        return head + "/" + stage + "/" + "".join(ESCAPES.get(letter, letter) for letter in rest)
    if how == "decoded":
        return head + "/" + stage + "/" + unquote(rest)
    if how == "own":
        return arn
    return head + "/" + stage + "/" + how


def backend(event: dict[str, Any]) -> dict[str, Any]:
    told = (event.get("requestContext") or {}).get("authorizer") or {}
    body = json.dumps(told.get("lambda") or told)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}

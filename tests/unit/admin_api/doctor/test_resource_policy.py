"""What a REST API's resource policy allows beside the authorizer, read as IAM reads it."""

from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.resource_policy import overruling_resource_policy
from tests.support.deployments import API, DOCUMENT, POOL, published, routes, said, sound_http, sound_rest, sound_token, with_settings

ALLOW = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
OPEN = ALLOW | {"Resource": ["execute-api:/prod/OPTIONS/*", "execute-api:/prod/GET/health"]}
DENY = ALLOW | {"Effect": "Deny"}
FEW = DENY | {"Condition": {"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24"]}}}
BOUND = DOCUMENT | {"groups": {"owner": {"allow": [{"route": "GET /pets/{petId}", "where": {"petId": "sub"}}]}}}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def without(statement: dict[str, Any], name: str, **instead: Any) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name} | instead


def token(*statements: dict[str, Any]) -> Deployment:
    return sound_token(resource_policy=policy(OPEN, *statements))


def route(*statements: dict[str, Any]) -> Deployment:
    return sound_rest(resource_policy=policy(OPEN, *statements), published=published(BOUND))


HARMLESS: dict[str, dict[str, Any]] = {
    "another action": ALLOW | {"Action": "execute-api:ManageConnections"},
    "all actions but this": without(ALLOW, "Action", NotAction="execute-api:*"),
    "another stage": ALLOW | {"Resource": "execute-api:/dev/*"},
    "another API": ALLOW | {"Resource": "arn:aws:execute-api:eu-west-1:123456789012:zzzzzzzzzz/*"},
    "all but this API": without(ALLOW, "Resource", NotResource=f"{API}/*"),
    "a role alone": ALLOW | {"Principal": {"AWS": "arn:aws:iam::123456789012:role/batch"}},
    "a service alone": ALLOW | {"Principal": {"Service": "apigateway.amazonaws.com"}},
    "no resource at all": without(ALLOW, "Resource", Resource=[]),
    "a deny for some": FEW,
}
HARMFUL: dict[str, dict[str, Any]] = {
    "all": ALLOW,
    "any AWS": ALLOW | {"Principal": {"AWS": "*"}},
    "any AWS in a list": ALLOW | {"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}},
    "all but some": without(ALLOW, "Principal", NotPrincipal={"AWS": "arn:aws:iam::123456789012:root"}),
    "every action": ALLOW | {"Action": "*"},
    "a part of the actions": ALLOW | {"Action": ["Execute-API:I*"]},
    "all actions but another": without(ALLOW, "Action", NotAction="execute-api:ManageConnections"),
    "some callers": ALLOW | {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
    "one route": ALLOW | {"Resource": f"{API}/prod/GET/pets/7"},
    "any verb": ALLOW | {"Resource": f"{API}/*/GET/*"},
    "all but one pet": without(ALLOW, "Resource", NotResource="execute-api:/prod/GET/pets/7"),
}


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(resource_policy=policy(ALLOW)),
        sound_rest(resource_policy=policy(ALLOW)),
        with_settings(sound_rest(resource_policy=policy(ALLOW), published=published(BOUND)), CACHE_SCOPE="request"),
        with_settings(sound_token(resource_policy=policy(ALLOW), published=published(BOUND)), CACHE_SCOPE="route"),
        sound_rest(resource_policy=policy(ALLOW), published=None),
        sound_token(resource_policy=policy(ALLOW), function=None),
        sound_token(resource_policy=policy(ALLOW), routes=routes(kind="rest")),
        sound_rest(resource_policy=policy(), routes=routes("GET /pets")),
        sound_rest(resource_policy=policy(DENY), routes=routes(kind="rest")),
        sound_token(resource_policy={"Statement": OPEN}),
    ],
)
def test_a_policy_that_no_silence_meets_is_no_finding(deployment: Deployment) -> None:
    assert said(overruling_resource_policy(deployment)) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_an_allow_that_meets_no_guarded_request_is_no_finding(name: str) -> None:
    assert said(overruling_resource_policy(token(HARMLESS[name]))) == []
    assert said(overruling_resource_policy(route(HARMLESS[name]))) == []


@pytest.mark.parametrize("name", HARMFUL)
def test_an_allow_turns_silence_into_access(name: str) -> None:
    (finding,) = overruling_resource_policy(token(HARMFUL[name] | {"Sid": "office"}))
    assert (finding.severity.value, finding.about) == ("error", "resource policy")
    assert finding.message.startswith("statement `office` allows callers `GET /pets")
    assert finding.message.endswith(", and a policy of `token` scope is silent about what the caller may not do: silence is then access")
    ((severity, message),) = said(overruling_resource_policy(route(HARMFUL[name])))
    assert severity == "error"
    assert message.endswith(
        "the answer for a route with `where`, such as `GET /pets/{petId}`, is silent about other values: silence is then access"
    )


def test_a_bound_route_that_no_allow_meets_is_no_finding() -> None:
    assert said(overruling_resource_policy(route(ALLOW | {"Resource": f"{API}/prod/POST/*"}))) == []
    assert said(overruling_resource_policy(token(ALLOW | {"Resource": f"{API}/prod/POST/*"})))[0][0] == "error"


def test_the_remedy_is_an_allow_for_the_open_routes_alone() -> None:
    (finding,) = overruling_resource_policy(token(ALLOW))
    assert finding.remedy == (
        "allow in the resource policy only routes without an authorizer, such as `execute-api:/prod/OPTIONS/*`: for the others the authorizer's Allow is "
        "enough; or `CACHE_SCOPE=route` with a REQUEST authorizer"
    )


@pytest.mark.parametrize(
    ("statement", "denies"),
    [
        (DENY, True),
        (DENY | {"Principal": {"AWS": "*"}}, True),
        (without(DENY, "Resource", NotResource="execute-api:/dev/*"), True),
        (without(DENY, "Action", NotAction="execute-api:ManageConnections"), True),
        (FEW, False),
        (DENY | {"Resource": f"{API}/prod/GET/*"}, False),
        (DENY | {"Principal": {"AWS": f"arn:aws:iam::123456789012:user/{POOL}"}}, False),
        (without(DENY, "Principal", NotPrincipal="*"), False),
        (DENY | {"Action": "execute-api:InvalidateCache"}, False),
        (without(DENY, "Resource", NotResource="execute-api:/prod/GET/*"), False),
        (without(DENY, "Resource", NotResource="execute-api:/prod/GET/pets/7"), False),
    ],
)
def test_a_deny_of_everything_is_told(statement: dict[str, Any], *, denies: bool) -> None:
    found = said(overruling_resource_policy(sound_rest(resource_policy=policy(OPEN, statement))))
    told = [
        (
            "error",
            "a statement denies every guarded route to everybody, without a condition: each request is 403 before the authorizer is asked",
        )
    ]
    assert found == (told if denies else [])


def test_routes_without_an_authorizer_need_an_allow() -> None:
    (finding,) = overruling_resource_policy(sound_rest(resource_policy=policy(OPEN | {"Resource": "execute-api:/prod/OPTIONS/*"})))
    assert finding.message == (
        "where no authorizer is asked the resource policy decides alone, and allows nobody `GET /health`: every request is 403"
    )
    assert "such as `execute-api:/prod/GET/health` of" in finding.remedy
    (finding,) = overruling_resource_policy(sound_rest(resource_policy=policy(FEW)))
    assert "`GET /health`, `OPTIONS /pets`" in finding.message

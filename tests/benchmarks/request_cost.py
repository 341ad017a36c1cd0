"""What a request costs, beside a bare RSA-2048 signature check and beside others who do it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jose import jwt

from authorizer.tokens.claims import TrustedIssuer
from tests.benchmarks.aws_sample import aws_sample
from tests.benchmarks.ratios import Batch, Ratio, Work, again, side_by_side
from tests.benchmarks.setting import DOCUMENT, GROUPS, ROUTES, call, frozen, handler, silence, unseen_tokens
from tests.integration.gates import Context
from tests.support.events import Deployment, Event
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import CLIENT_ID, NOW, Issuer, verifier

ROUNDS = 1_000
SAMPLE_ROUNDS, AT_ONCE = 100, 10
BARE = "a bare RSA-2048 signature check"
SAMPLE = "AWS's sample, its HTTP answered in the process"


def bare_check(issuer: Issuer) -> Callable[[], None]:
    """The yardstick: `cryptography` checks a signature of a text as long as a token's."""
    message = b"x" * 900
    return partial(issuer.key.public_key().verify, issuer.key.sign(message, PKCS1v15(), SHA256()), message, PKCS1v15(), SHA256())


def token_ratios() -> Iterator[Ratio]:
    """Yield what it costs to verify a token that was never seen, here and by python-jose with the key at hand as published."""
    issuer = Issuer()
    trusted = TrustedIssuer("", issuer.issuer, f"{issuer.issuer}/jwks", frozenset({CLIENT_ID}), frozenset(), "access")
    ours = verifier([trusted], lambda _uri: issuer.jwks(), lambda: NOW)
    jose = partial(jwt.decode, key=issuer.jwk(), algorithms=["RS256"], issuer=issuer.issuer, options={"verify_aud": False})
    unseen = unseen_tokens(issuer, 2 * ROUNDS + 1)
    token = next(unseen)
    assert ours.verify(token).subject == jose(token)["sub"]
    batches: list[Batch] = [
        again(bare_check(issuer)),
        lambda: [partial(ours.verify, next(unseen))],
        lambda: [partial(jose, next(unseen))],
    ]
    with frozen():
        bare, taken, by_jose = side_by_side(batches, ROUNDS)
    yield Ratio.of("verifying a token that was never seen, with its claims", taken, BARE, bare)
    yield Ratio.of("the same by `jwt.decode` of python-jose", by_jose, BARE, bare)


def request_ratios(scope: str) -> Iterator[Ratio]:
    """Yield what a whole request costs whose token was never seen, and the same again. Yardstick, first and second request take turns."""
    issuer = Issuer()
    unseen = unseen_tokens(issuer, ROUNDS + 1)
    with handler(issuer, DOCUMENT, CACHE_SCOPE=scope) as handle:
        handle(call(next(unseen)), Context())
        events: list[Event] = []

        def first() -> list[Work]:
            events.append(call(next(unseen)))
            return [partial(handle, events[-1], Context())]

        batches: list[Batch] = [again(bare_check(issuer)), first, lambda: [partial(handle, events.pop(), Context())]]
        bare, taken, same = side_by_side(batches, ROUNDS)
    yield Ratio.of(f"a request in `{scope}` scope, 300 routes, its token never seen", taken, BARE, bare)
    yield Ratio.of(f"the same request again in `{scope}` scope", same, BARE, bare)


def sample_ratio(file: Path) -> Ratio:
    """Return what a request costs whose token was never seen, in requests to AWS's sample with the same routes. `file` is the sample's `lambda.py`."""
    issuer, deployment = Issuer(), Deployment()
    unseen = unseen_tokens(issuer, SAMPLE_ROUNDS * (AT_ONCE + 1) + 1)
    arns = {group: [_as_resource(deployment, route) for route in ROUTES[n::3]] for n, group in enumerate(GROUPS)}
    with handler(issuer, DOCUMENT) as handle, aws_sample(file, issuer, arns) as sample, silence():
        event = call(next(unseen))
        for answer in (handle(event, Context()), sample(event, Context())):
            told: Any = answer
            assert evaluate(told["policyDocument"], "execute-api:Invoke", event["methodArn"]) == "Allow"
        batches: list[Batch] = [
            lambda: [partial(handle, call(next(unseen)), Context()) for _ in range(AT_ONCE)],
            lambda: [partial(sample, call(next(unseen)), Context())],
        ]
        taken, theirs = side_by_side(batches, SAMPLE_ROUNDS)
    return Ratio.of("a request whose token was never seen, 300 routes", taken, SAMPLE, theirs)


def _as_resource(deployment: Deployment, route: str) -> str:
    verb, _, path = route.partition(" ")
    return deployment.method_arn(verb, path.replace("{id}", "*"))

"""ARNs of invoked methods: what is read, what is refused, and what a policy may be made of."""

import pytest

from authorizer.policy.iam.method_arn import MethodArn, MethodArnError, is_literal, literal_text

BASE = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"


@pytest.mark.parametrize(
    ("tail", "stage", "verb", "path"),
    [
        ("prod/GET/pets/7", "prod", "GET", "pets/7"),
        ("prod/GET/", "prod", "GET", ""),
        ("prod/GET//", "prod", "GET", "/"),
        ("prod/GET/pets/", "prod", "GET", "pets/"),
        ("prod/GET//pets", "prod", "GET", "/pets"),
        ("prod/GET/pets/10:30:00", "prod", "GET", "pets/10:30:00"),
        ("prod/GET/a/$connect", "prod", "GET", "a/$connect"),
        ("$default/GET/a", "$default", "GET", "a"),
        ("test-invoke-stage/GET/a%2Fb", "test-invoke-stage", "GET", "a%2Fb"),
        ("prod/get/a", "prod", "get", "a"),
        ("prod//a", "prod", "", "a"),
        ("prod/GET/\ud800\n", "prod", "GET", "\ud800\n"),
        ("prod/$default/x", "prod", "$default", "x"),
        ("prod/$connect", "prod", None, "$connect"),
        ("$default/$default", "$default", None, "$default"),
    ],
)
def test_an_arn_is_read_without_losing_anything(tail: str, stage: str, verb: str | None, path: str) -> None:
    arn = MethodArn.parse(f"{BASE}/{tail}")
    assert (arn.stage, arn.verb, arn.path) == (stage, verb, path)
    assert (arn.partition, arn.region, arn.account, arn.api_id) == ("aws", "eu-west-1", "111122223333", "a1b2c3d4e5")
    assert str(arn) == f"{BASE}/{tail}"


def test_the_root_is_written_with_its_slash() -> None:
    assert str(MethodArn.parse(f"{BASE}/prod/GET")) == f"{BASE}/prod/GET/"


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:{'a' * 33}:execute-api:eu-west-1:111122223333:a1/prod/GET/",
        f"arn:aws:execute-api:{'r' * 33}:111122223333:a1/prod/GET/",
        f"arn:aws:execute-api:eu-west-1:{'1' * 21}:a1/prod/GET/",
    ],
)
def test_no_field_is_so_long_that_a_shortened_arn_would_be_none(arn: str) -> None:
    """A path that is too long is denied by the first 500 characters of its ARN."""
    with pytest.raises(MethodArnError):
        MethodArn.parse(arn)


@pytest.mark.parametrize("account", ["111122223333", "000000000000", "random-account-id", "undefined", "111122223333-x"])
def test_an_emulators_account_may_be_a_word(account: str) -> None:
    text = f"arn:aws:execute-api:us-east-1:{account}:random-api-id/dev/GET/pets"
    arn = MethodArn.parse(text)
    assert (arn.account, arn.api_id, str(arn)) == (account, "random-api-id", text)
    assert is_literal(arn.prefix)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_every_partition(partition: str) -> None:
    text = f"arn:{partition}:execute-api:x-1:1:a/s/GET/b"
    arn = MethodArn.parse(text)
    assert arn.partition == partition
    assert arn.prefix == f"arn:{partition}:execute-api:x-1:1:a/s/"
    assert str(arn) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "arn:aws:execute-api:eu-west-1:111122223333",
        "ARN:aws:execute-api:eu-west-1:111122223333:a/prod/GET/",
        "arn:aws:lambda:eu-west-1:111122223333:a/prod/GET/",
        f"{BASE}/prod",
        BASE,
        "arn:*:execute-api:eu-west-1:111122223333:a/prod/GET/",
        "arn::execute-api:eu-west-1:111122223333:a/prod/GET/",
        "arn:aws:execute-api:*:111122223333:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:*:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:11112222333?:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:random_account_id:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:${x}:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:a/b:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:\u0661:a/prod/GET/",
        "arn:aws:execute-api:eu-west-1::a/prod/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:*/prod/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:/prod/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:a/*/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:a//GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:a/pr?d/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:a/${x}/GET/",
        "arn:aws:execute-api:eu-west-1:111122223333:a/prod\n/GET/",
        "arn:aws\n:execute-api:eu-west-1:111122223333:a/prod/GET/",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(MethodArnError):
        MethodArn.parse(text)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("prod/GET/a", "prod/GET/"),
        ("prod/*/a", "prod/?/"),
        ("prod/G?T/a", "prod/G?T/"),
        ("prod/${x}/a", "prod/?{x}/"),
        ("prod/$connect", "prod/"),
    ],
)
def test_the_method_prefix_holds_no_pattern_of_the_caller(tail: str, expected: str) -> None:
    assert MethodArn.parse(f"{BASE}/{tail}").method_prefix == f"{BASE}/{expected}"


@pytest.mark.parametrize("text", ["*", "a?b", "\\", "${a}", "\x00", "\x7f", "\ud800"])
def test_text_that_iam_may_read_as_a_pattern_is_not_literal(text: str) -> None:
    assert not is_literal(text)
    assert is_literal("GET/a:b/$default/{a}%2A")


def test_literal_text() -> None:
    plain = "aZ09-._~:/?#[]@!$&'()+,;=% é日😀".replace("?", "")
    assert literal_text(plain) == plain
    assert literal_text("*?\\\x00\x1f\x7f\x80\x9f\ud800\udfff") == "?" * 10
    assert literal_text("${a} $a {a} $${") == "?{a} $a {a} $?{"

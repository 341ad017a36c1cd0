"""`gatebook.deploy.yaml` is checked against the templates before AWS is asked, and every mistake is told with its line."""

import re
from pathlib import Path

import pytest

from infra.deploy.__main__ import _parse
from infra.deploy.deploy_file import CODE_PARAMETERS, FROM_BASE, SHARED, Environment, read_environment
from infra.deploy.errors import USAGE, DeployError
from infra.deploy.template import Template, is_newer, read_template, stamped, template_of
from tests.infrastructure.templates import BASE, INFRA, SAMPLE, expanded

TEMPLATE = template_of(
    """
Transform: AWS::Serverless-2016-10-31
Parameters:
  CodeBucket: {Type: String}
  AuthorizerCodeKey: {Type: String}
  AdminCodeKey: {Type: String}
  Architecture: {Type: String, Default: arm64, AllowedValues: [arm64, x86_64]}
  Ttl: {Type: Number, Default: 60, MinValue: 0, MaxValue: 3600}
  Clients: {Type: CommaDelimitedList, Default: "", AllowedPattern: "[a-z]*"}
  Ports: {Type: List<Number>, Default: "1"}
  Url: {Type: String, Default: "", AllowedPattern: "(https://[a-z.]+)?", ConstraintDescription: an https address}
  Plain: {Type: String, Default: "", AllowedPattern: "[a-z]*"}
  Name: {Type: String, Default: abc, MinLength: 3, MaxLength: 5}
  Flag: {Type: String, Default: "false", AllowedValues: ["true", "false"]}
  Password: {Type: String, Default: "", NoEcho: true}
  Issuers: {Type: String, Default: ""}
  Pool: {Type: String, Default: ""}
  PoolClients: {Type: String, Default: ""}
Rules:
  PoolNamesClients:
    RuleCondition: !Not [!Equals [!Ref Pool, ""]]
    Assertions:
      - {Assert: !Not [!Equals [!Ref PoolClients, ""]], AssertDescription: "Pool is given, so PoolClients must be"}
  Narrow:
    Assertions:
      - Assert: !Or [!Contains [[a, b, ""], !Ref Pool], !And [!Equals [!Ref Flag, "true"], !Equals [1, 1]]]
        AssertDescription: Pool is a or b, or Flag is set
  NotKnown:
    Assertions: [{Assert: !EachMemberIn [[a], [b]], AssertDescription: never said}]
  NoTerm:
    Assertions: [{Assert: a text, AssertDescription: never said}]
  NoSuchReference:
    Assertions: [{Assert: !Equals [!Ref "AWS::Region", x], AssertDescription: never said}]
Resources:
  Thing: {Type: AWS::DynamoDB::Table}
""",
    "template.yaml",
)
ATTACHED = template_of(
    "Parameters: {TableName: {Type: String}, CodeBucket: {Type: String}, Architecture: {Type: String, Default: arm64}, Needed: {Type: String}}",
    "sample.yaml",
)


def read(folder: Path, text: str, name: str = "dev", base: Template = TEMPLATE, sample: Template = ATTACHED) -> Environment:
    file = folder / "gatebook.deploy.yaml"
    file.write_text(text)
    return read_environment(file, name, base, sample)


def refusal(folder: Path, text: str) -> list[str]:
    """What a file is refused for, without its path; the last line says that nothing was done."""
    with pytest.raises(DeployError) as refused:
        read(folder, text)
    assert refused.value.exit_code == USAGE
    return str(refused.value).replace(f"{folder}/gatebook.deploy.yaml:", "").splitlines()


def parameter(folder: Path, text: str) -> str:
    """What a file with these parameters is refused for."""
    *told, last = refusal(folder, f"dev:\n  region: eu-west-1\n  bucket: code\n  parameters:\n    {text}\n")
    assert last == "nothing was sent to AWS"
    return "\n".join(told)


def test_a_file_gives_names_and_parameters_as_cloudformation_takes_them(tmp_path: Path) -> None:
    text = """
dev: {region: eu-west-1, bucket: my.code-1}
prod:
  region: eu-central-1
  bucket: code
  account: "011122223333"
  stack: Gatebook
  seeds: [a.yaml, below/b.yaml]
  parameters: {Architecture: x86_64, Ttl: 0, Flag: true, Clients: [a, b], Issuers: [{name: "é"}], Name: "1234", Url: "", Ports: [1, 2]}
  sample: {stack: shop, parameters: {Needed: yes}}
"""
    dev, prod = read(tmp_path, text), read(tmp_path, text, "prod")
    assert (dev.base.name, dev.base.parameters, dev.sample, dev.account, dev.seeds) == ("gatebook-dev", {}, None, None, None)
    assert (dev.region, dev.bucket) == ("eu-west-1", "my.code-1")
    assert prod.base.name == "Gatebook"
    assert prod.base.parameters == {
        "Architecture": "x86_64",
        "Ttl": "0",
        "Flag": "true",
        "Clients": "a,b",
        "Issuers": '[{"name":"é"}]',
        "Name": "1234",
        "Url": "",
        "Ports": "1,2",
    }
    assert prod.account == "011122223333"
    assert prod.seeds == (tmp_path / "a.yaml", tmp_path / "below" / "b.yaml")
    assert prod.sample is not None
    # Both stacks run from the same zips.
    assert (prod.sample.name, prod.sample.parameters) == ("shop", {"Needed": "true", "Architecture": "x86_64"})
    one = read(tmp_path, "dev: {region: eu-west-1, bucket: code, seeds: a.yaml, sample: {parameters: {Needed: x}}}")
    assert one.sample is not None
    assert (one.seeds, one.sample.name, one.sample.parameters) == ((tmp_path / "a.yaml",), "petstore-dev", {"Needed": "x"})


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Architecture: arm", "5: `Architecture` is `arm`, but must be one of arm64, x86_64"),
        ("Ttl: soon", "5: `Ttl` is `soon`, but must be a number"),
        ("Ttl: -1", "5: `Ttl` is `-1`, but must be at least 0"),
        ("Ttl: 3601", "5: `Ttl` is `3601`, but must be at most 3600"),
        ("Name: ab", "5: `Name` is `ab`, but must be at least 3 characters"),
        ("Name: abcdef", "5: `Name` is `abcdef`, but must be at most 5 characters"),
        ("Url: http://a", "5: `Url` is `http://a`, but must be an https address"),
        ("Plain: A", "5: `Plain` is `A`, but must be what the pattern [a-z]* matches"),
        ('Plain: "a\\n"', "5: `Plain` is `a\n`, but must be what the pattern [a-z]* matches"),
        ("Clients: [a, B]", "5: `Clients` is `B`, but must be what the pattern [a-z]* matches"),
        ("Ports: [1, x]", "5: `Ports` is `x`, but must be a number"),
        ("Flag: maybe", "5: `Flag` is `maybe`, but must be one of true, false"),
        ("flag: true", "5: template.yaml has no parameter `flag`: write `Flag`"),
        ("CodeBucket: mine", "5: `CodeBucket` is filled in by the deployment: take it out"),
        ("Password: hunter2", "5: `Password` is a secret, and this file holds none: take it out, and set it with the AWS CLI"),
        ("Pool: a", "4: Pool is given, so PoolClients must be"),
        ("{Pool: c, PoolClients: x}", "4: Pool is a or b, or Flag is set"),
        ("Issuers:", '5: an empty value is no value: write "" for an empty text, or take the line out'),
        (f"Issuers: {'é' * 2049}", "5: `Issuers` has 4098 bytes, more than 4096"),
    ],
)
def test_a_parameter_is_held_against_the_template(tmp_path: Path, line: str, told: str) -> None:
    assert parameter(tmp_path, line) == told


def test_an_unknown_parameter_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    told = parameter(tmp_path, "Colour: red")
    assert told.startswith("5: template.yaml has no parameter `Colour`: it has Architecture, Ttl, Clients, ")
    assert "CodeBucket" not in told


@pytest.mark.parametrize(
    "line", ["Pool: a, PoolClients: x", "Flag: true, Pool: z, PoolClients: x", "Ttl: 3600", "Url: https://a.b", "Name: abc, Ttl: 1.5"]
)
def test_what_the_template_allows_passes(tmp_path: Path, line: str) -> None:
    assert read(tmp_path, f"dev: {{region: eu-west-1, bucket: code, parameters: {{{line}}}}}").base.parameters


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    told = refusal(
        tmp_path,
        """dev:
  regoin: eu-west-1
  bucket: Code
  account: 111122223333
  sample: {stack: 1x, parameters: {TableName: t}, more: 1}
  seeds: {}
Prod: 7
test:
  region: Frankfurt
  bucket: code
  parameters: [a]
  sample:
    parameters: {Architecture: arm64}
  seeds: [1]
other: {region: eu-west-1, bucket: code, sample: []}
""",
    )
    assert told == [
        "1: `dev` lacks `region`, a region, such as eu-west-1",
        "2: `regoin` is no key of `dev`: there are region, bucket, account, stack, parameters, sample, seeds",
        "3: `bucket` is `Code`, but must be a bucket's name: 3 to 63 of a-z, 0-9, `.` and `-`",
        '4: `account` is `111122223333`, but must be the 12 digits of an account in quotes, such as "111122223333"',
        "5: `TableName` is filled in by the deployment: take it out",
        "5: `more` is no key of `sample`: there are stack, parameters",
        "5: `stack` is `1x`, but must be a stack's name: a letter, then letters, digits and `-`",
        "5: sample.yaml wants `Needed` among `parameters`",
        "6: `seeds` must name files with permission documents, such as `[permissions.yaml]`; --no-seeds leaves them out",
        "7: `Prod` is no name of an environment: small letters, digits and `-`, such as dev, staging or prod",
        "7: `Prod` must be a mapping with the keys region, bucket, account, stack, parameters, sample, seeds",
        "9: `region` is `Frankfurt`, but must be a region, such as eu-west-1",
        "11: `parameters` must be a mapping, such as `{LogRetentionDays: 90}`",
        "13: `Architecture` is filled in by the deployment: take it out",
        "13: sample.yaml wants `Needed` among `parameters`",
        "14: `seeds` must name files with permission documents, such as `[permissions.yaml]`; --no-seeds leaves them out",
        "15: `sample` must be a mapping with the keys stack, parameters",
        "nothing was sent to AWS",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty: it must hold environments"),
        ("- a", "1: the file must hold environments"),
        ("{}", "1: the file must hold environments"),
        ("dev: [", "the file cannot be read"),
        ("prod: {region: eu-west-1, bucket: code}", "has no environment `dev`: it has prod"),
        ("dev: {region: eu-west-1, bucket: code}\ndev: {region: eu-west-1, bucket: code}", "`dev` stands here and again in line 2"),
        ("dev: {region: eu-west-1, bucket: code}\n---\nprod: {}", "3: a second document begins here: the file holds one"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in line for line in refusal(tmp_path, text)), refusal(tmp_path, text)


def test_without_a_file_one_is_shown(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"there is no .*gatebook.deploy.yaml: write one") as refused:
        read_environment(tmp_path / "gatebook.deploy.yaml", "dev", TEMPLATE, ATTACHED)
    shown = str(refused.value).split("\n\n")[1].replace("NAME-OF-A-BUCKET-FOR-CODE", "my-code")
    assert read(tmp_path, shown).bucket == "my-code"


def test_what_is_filled_in_is_what_the_templates_of_this_release_ask_for(tmp_path: Path) -> None:
    base, sample = read_template(INFRA / BASE), read_template(INFRA / SAMPLE)
    assert base.missing([]) == [*CODE_PARAMETERS]
    assert sorted(sample.missing([])) == sorted((*CODE_PARAMETERS, *FROM_BASE))
    assert SHARED in base.parameters
    assert SHARED in sample.parameters
    assert set(FROM_BASE) <= set(expanded(BASE)["Outputs"])
    read(tmp_path, "dev: {region: eu-west-1, bucket: code, sample: {}}", base=base, sample=sample)
    for name, each in [*base.parameters.items(), *sample.parameters.items()]:
        assert each.default is None or each.fault(each.default) is None, name
        assert not each.is_secret, name
    with pytest.raises(DeployError, match="UserPoolId is given, so AppClientIds"):
        read(tmp_path, "dev: {region: eu-west-1, bucket: code, parameters: {UserPoolId: eu-west-1_AbC}}", base=base, sample=sample)


def test_what_the_page_shows_is_what_the_command_takes(tmp_path: Path) -> None:
    page = (INFRA.parent / "docs" / "deploying-with-gatebook.md").read_text()
    base, sample = read_template(INFRA / BASE), read_template(INFRA / SAMPLE)
    [shown] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    prod = read(tmp_path, shown, "prod", base, sample)
    assert prod.sample is not None
    assert (prod.account, prod.base.name, prod.sample.name) == ("111122223333", "gatebook", "petstore-prod")
    [first] = re.findall(r"printf '(.*)' > gatebook.deploy.yaml", page)
    assert read(tmp_path, first.replace("\\n", "\n").replace("NAME-OF-A-NEW-BUCKET", "code"), "dev", base, sample).region == "eu-west-1"
    for line in re.findall(r"gatebook deploy (--env [^#\n`]*)", page):
        _parse(line.split())


def test_what_has_to_be_acknowledged_is_read_from_the_template() -> None:
    assert TEMPLATE.capabilities == ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
    assert ATTACHED.capabilities == ("CAPABILITY_IAM",)
    named = template_of("Resources: {Role: {Type: AWS::IAM::Role, Properties: {RoleName: x}}, Bare: {Type: AWS::IAM::Role}}", "t")
    assert named.capabilities == ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")


def test_the_release_is_written_into_the_template_and_changes_nothing_else() -> None:
    base = read_template(INFRA / BASE)
    text = stamped(base, "1.2.3")
    deployed = template_of(text, "t")
    assert (base.release, deployed.release) == (None, "1.2.3")
    assert text.replace('Gatebook: {Release: "1.2.3"}, ', "") == base.text
    plain = template_of("Resources: {}", "t")
    assert stamped(plain, "1.2.3") == 'Metadata: {Gatebook: {Release: "1.2.3"}}\n\nResources: {}'
    block = template_of("Metadata:\n  Other: 1\nResources: {}", "t")
    assert stamped(block, "1.2.3") == block.text
    assert [template_of(f"Metadata: {each}", "t").release for each in ("7", "{Gatebook: 7}", "{Gatebook: {Release: 7}}")] == [None] * 3


@pytest.mark.parametrize(
    ("release", "than", "newer"),
    [
        ("0.10.0", "0.9.2", True),
        ("0.9.2", "0.10.0", False),
        ("1.0", "1.0", False),
        ("1.0.1", "1.0", True),
        ("1.0rc1", "1.0", False),
        ("x", "0.1", False),
    ],
)
def test_releases_are_compared_by_their_numbers(release: str, than: str, newer: bool) -> None:
    assert is_newer(release, than) is newer

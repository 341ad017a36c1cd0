"""What docs/recovery.md tells people to type is there: commands, options, parameters of templates, operations of AWS."""

import re
import shlex
from typing import Any

import botocore.session
import pytest
import typer.main
import yaml
from botocore import xform_name

from admin_api.cli.app import app
from tests.architecture.readme import Page
from tests.architecture.sources import ROOT

PAGE = Page((ROOT / "docs/recovery.md").read_text(encoding="utf-8"))
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
AWS = sorted({call for call in PAGE.commands("aws") if " " in call})
OF_THE_CLIENT = {"--region", "--profile", "--output", "--query"}


def options(words: list[str]) -> set[str]:
    return {word for word in words if re.fullmatch(r"--[a-z][a-z-]*", word)}


def test_every_command_of_the_page_exists_and_takes_its_options() -> None:
    calls = [shlex.split(call) for call in PAGE.commands("gatebook") if re.match(r"[a-z]", call)]
    assert len(calls) > 20
    for name, *words in calls:
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert options(words) - known == set(), name


@pytest.mark.parametrize("call", AWS)
def test_every_call_of_aws_is_one_of_the_sdk(call: str) -> None:
    service, operation, *words = shlex.split(call)
    if service == "cloudformation":
        template = words[words.index("--template-file") + 1]
        text = re.search(r"^Parameters:\n(?:  .*\n|\n)*", (ROOT / template).read_text(encoding="utf-8"), re.MULTILINE)
        assert text is not None
        given = [word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]]
        assert set(given) <= yaml.safe_load(text[0])["Parameters"].keys()
        return
    if operation == "wait":
        operation = {"table-exists": "describe-table"}[words.pop(0)]
    model = botocore.session.get_session().get_service_model(service)
    [shape] = [model.operation_model(name).input_shape for name in model.operation_names if xform_name(name, "-") == operation]
    assert shape is not None
    members = {f"--{xform_name(name, '-')}": name for name in shape.members}
    assert options(words) - OF_THE_CLIENT <= members.keys()
    assert set(shape.required_members) <= {members.get(option) for option in options(words)}


def test_a_client_may_have_two_secrets_and_the_new_one_is_told_once() -> None:
    """What the page rests on, in the words of the SDK that is installed."""
    model = botocore.session.get_session().get_service_model("cognito-idp")
    assert "up to 2 active secrets" in model.operation_model("AddUserPoolClientSecret").documentation
    assert "never reveals" in model.operation_model("ListUserPoolClientSecrets").documentation
    assert "cannot delete the last" in model.operation_model("DeleteUserPoolClientSecret").documentation


def test_every_symptom_leads_to_a_section() -> None:
    links = [link for row in PAGE.table("symptom", "steps") for link in re.findall(r"\(#([a-z-]+)\)", row[1])]
    assert len(links) == len(PAGE.table("symptom", "steps"))
    assert set(links) <= PAGE.anchors()


def test_links_into_other_pages_lead_to_headings() -> None:
    for target in [link for link in PAGE.links() if "#" in link and not link.startswith("#")]:
        file, _, anchor = target.partition("#")
        assert anchor in Page((ROOT / "docs" / file).read_text(encoding="utf-8")).anchors(), target

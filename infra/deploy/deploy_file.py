"""`gatebook.deploy.yaml`: for each environment the region, the bucket for code, the stacks and their parameters. It holds no secrets."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from admin_api.documents.files import FileDocument, read_file
from authorizer.policy.problems import DocumentError, child
from infra.deploy.errors import USAGE, DeployError
from infra.deploy.template import Template, text_of

DEFAULT_NAME = "gatebook.deploy.yaml"

CODE_PARAMETERS = ("CodeBucket", "AuthorizerCodeKey", "AdminCodeKey")
"""What the deployment fills in by itself."""

FROM_BASE = ("TableName", "AuthorizerReadPolicyArn", "UserPoolId", "AppClientIds")
"""What the sample's stack takes from the outputs of the base stack."""

SHARED = "Architecture"
"""What the sample's stack has to have in common with the base stack: both run from the same zips."""

_KEYS = ("region", "bucket", "account", "stack", "parameters", "sample", "seeds")
_SAMPLE_KEYS = ("stack", "parameters")
_FORMS = {
    "region": (re.compile(r"[a-z]{2}(-[a-z]+)+-\d"), "a region, such as eu-west-1"),
    "bucket": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "a bucket's name: 3 to 63 of a-z, 0-9, `.` and `-`"),
    "account": (re.compile(r"\d{12}"), 'the 12 digits of an account in quotes, such as "111122223333"'),
    "stack": (re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}"), "a stack's name: a letter, then letters, digits and `-`"),
}


@dataclass(frozen=True, slots=True)
class StackSettings:
    """One stack: its name, and the parameters that the file gives. Those that it leaves out have the template's defaults."""

    name: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Environment:
    """What the file says of one environment. `account` guards against credentials of another one; without `seeds` the environment's own are meant."""

    name: str
    region: str
    bucket: str
    account: str | None
    base: StackSettings
    sample: StackSettings | None
    seeds: tuple[Path, ...] | None


def read_environment(path: Path, name: str, base: Template, sample: Template) -> Environment:
    """Return what a file says of an environment. Raises `DeployError` with every mistake of the file, each with its line."""
    try:
        documents = read_file(path, "environments, such as `dev: {region: eu-west-1, bucket: my-code}`")
    except FileNotFoundError:
        raise DeployError(
            f"there is no {path}: write one, such as\n\n{name}:\n  region: eu-west-1\n  bucket: NAME-OF-A-BUCKET-FOR-CODE\n\n"
            "docs/deploying-with-gatebook.md shows what else it may hold",
            USAGE,
        ) from None
    except DocumentError as error:
        raise DeployError("\n".join(f"{path}: {each.message}" for each in error.problems), USAGE) from error
    checked = _Checked(documents[0], base, sample)
    found = checked.environments(documents)
    if checked.faults:
        lines = [f"{path}:{line}: {message}" for line, message in sorted(checked.faults)]
        raise DeployError("\n".join([*lines, "nothing was sent to AWS"]), USAGE)
    if name not in found:
        raise DeployError(f"{path} has no environment `{name}`: it has {', '.join(found)}", USAGE)
    return found[name]


@dataclass(slots=True)
class _Checked:
    """The file's values on the way to settings, and what is wrong with them."""

    document: FileDocument
    base: Template
    sample: Template
    faults: list[tuple[int, str]] = field(default_factory=list)

    def environments(self, documents: list[FileDocument]) -> dict[str, Environment]:
        for problem in self.document.problems:
            self.fault(problem.pointer, problem.message)
        if len(documents) > 1:
            self.faults.append((documents[1].line(""), "a second document begins here: the file holds one"))
        value = self.document.value
        if not isinstance(value, dict) or not value:
            self.fault("", "the file must hold environments, such as `dev: {region: eu-west-1, bucket: my-code}`")
            return {}
        return {str(name): each for name, block in value.items() if (each := self.environment(str(name), block)) is not None}

    def environment(self, name: str, block: Any) -> Environment | None:
        place = child("", name)
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            self.fault(place, f"`{name}` is no name of an environment: small letters, digits and `-`, such as dev, staging or prod")
        if not self.is_mapping(place, block, _KEYS):
            return None
        for key in ("region", "bucket"):
            if key not in block:
                self.fault(place, f"`{name}` lacks `{key}`, {_FORMS[key][1]}")
        texts = {key: self.text(child(place, key), key, block[key]) for key in ("region", "bucket", "account", "stack") if key in block}
        parameters = self.parameters(place, block, self.base, CODE_PARAMETERS)
        return Environment(
            name=name,
            region=texts.get("region", ""),
            bucket=texts.get("bucket", ""),
            account=texts.get("account"),
            base=StackSettings(texts.get("stack", f"gatebook-{name}"), parameters),
            sample=self.sample_of(name, block["sample"], parameters) if "sample" in block else None,
            seeds=self.seeds(child(place, "seeds"), block["seeds"]) if "seeds" in block else None,
        )

    def sample_of(self, name: str, block: Any, base: Mapping[str, str]) -> StackSettings | None:
        place = child(child("", name), "sample")
        if not self.is_mapping(place, block, _SAMPLE_KEYS):
            return None
        stack = self.text(child(place, "stack"), "stack", block["stack"]) if "stack" in block else f"petstore-{name}"
        parameters = self.parameters(place, block, self.sample, (*CODE_PARAMETERS, *FROM_BASE, SHARED))
        shared = {SHARED: base[SHARED]} if SHARED in base and SHARED in self.sample.parameters else {}
        return StackSettings(stack, {**parameters, **shared})

    def parameters(self, place: str, block: Mapping[str, Any], template: Template, filled_in: Iterable[str]) -> dict[str, str]:
        place, given = child(place, "parameters"), block.get("parameters", {})
        if not isinstance(given, dict):
            self.fault(place, "`parameters` must be a mapping, such as `{LogRetentionDays: 90}`")
            return {}
        values = {}
        for name, value in given.items():
            parameter, at = template.parameters.get(str(name)), child(place, str(name))
            if parameter is None:
                self.fault(at, f"{template.name} has no parameter `{name}`{_nearest(str(name), template)}")
            elif name in filled_in:
                self.fault(at, f"`{name}` is filled in by the deployment: take it out")
            elif parameter.is_secret:
                self.fault(at, f"`{name}` is a secret, and this file holds none: take it out, and set it with the AWS CLI")
            else:
                values[str(name)] = text = self.value(at, value)
                if (fault := parameter.fault(text)) is not None:
                    self.fault(at, f"`{name}` {fault}")
        missing = template.missing([*values, *given, *filled_in])
        if missing:
            self.fault(place, f"{template.name} wants {', '.join(f'`{name}`' for name in missing)} among `parameters`")
        for message in template.broken_rules(values):
            self.fault(place, message)
        return values

    def value(self, place: str, value: Any) -> str:
        """Return a parameter's value as text. A list of texts becomes one with commas, anything deeper becomes JSON."""
        if isinstance(value, list) and value and not any(isinstance(each, dict | list) for each in value):
            return ",".join(text_of(each) for each in value)
        if isinstance(value, dict | list):
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if value is None:
            self.fault(place, 'an empty value is no value: write "" for an empty text, or take the line out')
            return ""
        return text_of(value)

    def seeds(self, place: str, value: Any) -> tuple[Path, ...]:
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list) or not all(isinstance(each, str) and each for each in several):
            self.fault(place, "`seeds` must name files with permission documents, such as `[permissions.yaml]`; --no-seeds leaves them out")
            return ()
        # Beside the file that names them, wherever the command is started.
        return tuple(self.document.path.parent / each for each in several)

    def text(self, place: str, key: str, value: Any) -> str:
        form, words = _FORMS[key]
        if not isinstance(value, str) or not form.fullmatch(value):
            self.fault(place, f"`{key}` is `{text_of(value)}`, but must be {words}")
            return ""
        return value

    def is_mapping(self, place: str, block: Any, keys: tuple[str, ...]) -> bool:
        name = place.rpartition("/")[2]
        if not isinstance(block, dict):
            self.fault(place, f"`{name}` must be a mapping with the keys {', '.join(keys)}")
            return False
        for key in block:
            if key not in keys:
                self.fault(child(place, str(key)), f"`{key}` is no key of `{name}`: there are {', '.join(keys)}")
        return True

    def fault(self, place: str, message: str) -> None:
        self.faults.append((self.document.line(place), message))


def _nearest(name: str, template: Template) -> str:
    same = [each for each in template.parameters if each.lower() == name.lower()]
    return f": write `{same[0]}`" if same else f": it has {', '.join(each for each in template.parameters if each not in CODE_PARAMETERS)}"

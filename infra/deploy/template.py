"""What a template asks of its parameters, checked before AWS is asked: types, allowed values, patterns, bounds and rules."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from admin_api.importers.template_text import blocks_of

MAX_VALUE_BYTES = 4096
"""What a parameter may hold ("AWS CloudFormation quotas", Parameters)."""

MAX_BODY_BYTES = 51_200
"""What a template that is sent with the request may hold; a larger one has to lie in a bucket ("AWS CloudFormation quotas", Template)."""

_NAMES = ("RoleName", "ManagedPolicyName", "UserName", "GroupName", "InstanceProfileName")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and what its value has to be. Without a `default` it has to be given."""

    name: str
    kind: str
    default: str | None
    allowed: tuple[str, ...]
    pattern: str | None
    constraint: str
    bounds: Mapping[str, float]
    is_secret: bool

    def fault(self, value: str) -> str | None:
        """Return what is wrong with a value, None if nothing is: `arm` for `[arm64, x86_64]` -> `is `arm`, but must be one of arm64, x86_64`."""
        if len(value.encode()) > MAX_VALUE_BYTES:
            return f"has {len(value.encode())} bytes, more than {MAX_VALUE_BYTES}"
        for each in [value] if not self.is_list else value.split(","):
            if self.allowed and each not in self.allowed:
                return f"is `{each}`, but must be one of {', '.join(self.allowed)}"
            if self.pattern is not None and not re.fullmatch(self.pattern, each):
                return f"is `{each}`, but must be {self.constraint or f'what the pattern {self.pattern} matches'}"
            if self.is_number and not _NUMBER.fullmatch(each.strip()):
                return f"is `{each}`, but must be a number"
            if fault := self._out_of_bounds(each):
                return fault
        return None

    @property
    def is_list(self) -> bool:
        """Whether the value is several values, separated by commas."""
        return self.kind == "CommaDelimitedList" or self.kind.startswith("List<")

    @property
    def is_number(self) -> bool:
        """Whether each value is a number."""
        return self.kind in ("Number", "List<Number>")

    def _out_of_bounds(self, value: str) -> str | None:
        if self.is_number:
            size, low, high, unit = float(value), self.bounds.get("MinValue"), self.bounds.get("MaxValue"), ""
        else:
            size, low, high, unit = len(value), self.bounds.get("MinLength"), self.bounds.get("MaxLength"), " characters"
        if low is not None and size < low:
            return f"is `{value}`, but must be at least {low:g}{unit}"
        if high is not None and size > high:
            return f"is `{value}`, but must be at most {high:g}{unit}"
        return None


@dataclass(frozen=True, slots=True)
class Template:
    """A template as text, and what of it a deployment has to know."""

    name: str
    text: str
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, Any]
    capabilities: tuple[str, ...]
    release: str | None

    def missing(self, given: Iterable[str]) -> list[str]:
        """Return the parameters that have no default and are not among those given."""
        held = set(given)
        return [name for name, each in self.parameters.items() if each.default is None and name not in held]

    def is_secret(self, name: str) -> bool:
        """Return whether the template hides a parameter's value (`NoEcho`)."""
        return name in self.parameters and self.parameters[name].is_secret

    def broken_rules(self, given: Mapping[str, str]) -> list[str]:
        """Return what the template's rules say against these values. A rule with a function that is not known here is left to AWS."""
        values = {name: each.default or "" for name, each in self.parameters.items()} | dict(given)
        return [each for rule in self.rules.values() for each in _broken(rule, values)]


def read_template(path: Path) -> Template:
    """Return a template of this release. Raises `ImportSourceError`, `OSError`."""
    return template_of(path.read_text(encoding="utf-8"), path.name)


def template_of(text: str, name: str) -> Template:
    """Return the template that a text holds. Raises `ImportSourceError`."""
    body = blocks_of(text, name)
    parameters = {key: _parameter(key, each) for key, each in body.get("Parameters", {}).items()}
    return Template(name, text, parameters, body.get("Rules", {}), _capabilities(body), release_of(body))


def stamped(template: Template, release: str) -> str:
    """Return the template's text with the release that deploys it in its metadata, where a later deployment reads it. Metadata that stand in a block of their
    own stay as they are.

    CloudFormation takes a change of metadata alone for no change ("Metadata", template anatomy), so a release by itself updates nothing.
    """
    ours = f'Gatebook: {{Release: "{release}"}}'
    if re.search(r"^Metadata:", template.text, re.MULTILINE):
        return re.sub(r"^Metadata: \{(?=.*\}$)", lambda _: f"Metadata: {{{ours}, ", template.text, count=1, flags=re.MULTILINE)
    line = f"Metadata: {{{ours}}}\n\n"
    return re.sub(r"^(?=Parameters:|Resources:)", lambda _: line, template.text, count=1, flags=re.MULTILINE)


def release_of(body: Mapping[str, Any]) -> str | None:
    """Return the release that stamped a template, None if none did."""
    metadata = body.get("Metadata")
    ours = metadata.get("Gatebook") if isinstance(metadata, Mapping) else None
    release = ours.get("Release") if isinstance(ours, Mapping) else None
    return release if isinstance(release, str) else None


def is_newer(release: str, than: str) -> bool:
    """Return whether a release came after another: `0.10.0`, `0.9.2` -> True. What follows the numbers, as in `1.0rc1`, does not count."""
    return _numbers(release) > _numbers(than)


def _numbers(release: str) -> list[int]:
    found = re.match(r"\d+(\.\d+)*", release)
    return [int(number) for number in found[0].split(".")] if found else []


def _parameter(name: str, block: Mapping[str, Any]) -> Parameter:
    default = block.get("Default")
    bounds = {key: float(block[key]) for key in ("MinValue", "MaxValue", "MinLength", "MaxLength") if key in block}
    return Parameter(
        name=name,
        kind=block["Type"],
        default=None if default is None else text_of(default),
        allowed=tuple(text_of(each) for each in block.get("AllowedValues", ())),
        pattern=block.get("AllowedPattern"),
        constraint=block.get("ConstraintDescription", ""),
        bounds=bounds,
        is_secret=text_of(block.get("NoEcho", False)) == "true",
    )


def text_of(value: Any) -> str:
    """Return a scalar as CloudFormation takes it: True -> `true`, 60 -> `60`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _capabilities(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what has to be acknowledged: roles and policies, their names if they have any, and macros such as the SAM transform."""
    resources = [each for each in body.get("Resources", {}).values() if isinstance(each, Mapping)]
    # The SAM transform makes roles of functions that name none.
    found = ["CAPABILITY_IAM"]
    if any(
        str(each.get("Type")).startswith("AWS::IAM::") and any(name in each.get("Properties", {}) for name in _NAMES) for each in resources
    ):
        found.append("CAPABILITY_NAMED_IAM")
    if "Transform" in body:
        found.append("CAPABILITY_AUTO_EXPAND")
    return tuple(found)


class _UnknownFunctionError(Exception):
    """A rule uses what only AWS can evaluate."""


def _broken(rule: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    try:
        if "RuleCondition" in rule and not _holds(rule["RuleCondition"], values):
            return []
        return [
            str(each.get("AssertDescription", "a rule of the template"))
            for each in rule["Assertions"]
            if not _holds(each["Assert"], values)
        ]
    except _UnknownFunctionError:
        return []


def _holds(term: Any, values: Mapping[str, str]) -> bool:
    if not isinstance(term, Mapping) or len(term) != 1:
        raise _UnknownFunctionError
    [(function, arguments)] = term.items()
    if function == "Fn::Not":
        return not _holds(arguments[0], values)
    if function == "Fn::And":
        return all(_holds(each, values) for each in arguments)
    if function == "Fn::Or":
        return any(_holds(each, values) for each in arguments)
    if function == "Fn::Equals":
        return _text(arguments[0], values) == _text(arguments[1], values)
    if function == "Fn::Contains":
        return _text(arguments[1], values) in [_text(each, values) for each in arguments[0]]
    raise _UnknownFunctionError


def _text(term: Any, values: Mapping[str, str]) -> str:
    if isinstance(term, Mapping):
        if set(term) == {"Ref"} and term["Ref"] in values:
            return values[term["Ref"]]
        raise _UnknownFunctionError
    return text_of(term)

"""What IAM answers for one policy document: slow, obvious, and unwilling to guess.

Written from these pages of the IAM User Guide, and from nothing that the product contains:

- "IAM JSON policy elements: Version", "... Statement", "... Effect", "... Action", "... Resource", "... Condition"
- "IAM JSON policy elements: Condition operators", "AWS global condition context keys"
- "IAM policy elements: Variables and tags" (the escapes of `*`, `?` and `$`)
- "Policy evaluation logic" (an explicit deny wins; nothing said is an implicit deny)

It knows what a Lambda authorizer has reason to write. Anything else raises `UnsupportedPolicyError`, in whichever statement
it stands: a judge that guesses would hide the very mistakes that it is here to find.
"""

import operator
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal

Verdict = Literal["Allow", "ExplicitDeny", "ImplicitDeny"]


class UnsupportedPolicyError(ValueError):
    """The document holds something that this judge does not know, or that IAM does not define."""


class Wildcard(Enum):
    """The two characters of a pattern that stand for others."""

    ANY_RUN = "*"
    ANY_CHARACTER = "?"


Token = str | Wildcard  # one literal character, or a wildcard
Pattern = Sequence[Token]
Operand = Decimal | datetime


def evaluate(policy_document: Mapping[str, object], action: str, resource: str, context: Mapping[str, str] | None = None) -> Verdict:
    """Say what the document means for one action on one resource.

    Raises `UnsupportedPolicyError` for a document that it does not fully understand, `ValueError` for a request that is none.
    """
    statements = _read_document(policy_document)
    if action.count(":") != 1 or "*" in action or "?" in action:
        raise ValueError(f"`{action}` is not one action")
    if resource.count(":") < 5 or not resource.startswith("arn:"):
        raise ValueError(f"`{resource}` is not an ARN of six fields")
    request_context = {name.lower(): value for name, value in (context or {}).items()}
    effects = [statement.effect for statement in statements if statement.applies(action, resource, request_context)]
    if "Deny" in effects:
        return "ExplicitDeny"
    if "Allow" in effects:
        return "Allow"
    return "ImplicitDeny"


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the whole text fits the whole pattern. `*` is any run of characters, also none; `?` is exactly one character."""
    # reachable[n]: the tokens read so far can consume exactly the first n characters of the text.
    reachable = [True] + [False] * len(text)
    for token in pattern:
        onward = [False] * (len(text) + 1)
        for end in range(len(text) + 1):
            if token is Wildcard.ANY_RUN:
                onward[end] = reachable[end] or (end > 0 and onward[end - 1])
            elif end > 0 and reachable[end - 1]:
                onward[end] = token is Wildcard.ANY_CHARACTER or token == text[end - 1]
        if not any(onward):
            return False
        reachable = onward
    return reachable[-1]


def tokens(text: str, *, variables: bool) -> Iterator[Token]:
    """Read a pattern. With policy variables (Version 2012-10-17) `${*}`, `${?}` and `${$}` are the plain characters."""
    at = 0
    while at < len(text):
        if variables and text.startswith("${", at):
            escape = text[at : at + 4]
            if escape not in {"${*}", "${?}", "${$}"}:
                raise UnsupportedPolicyError(f"policy variable in `{text}`")
            yield escape[2]
            at += 4
        else:
            yield Wildcard(text[at]) if text[at] in "*?" else text[at]
            at += 1


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """A pattern for ARNs, compared field by field: only the sixth field, and an ARN's sixth field, may hold colons."""

    fields: Sequence[Pattern]

    def matches(self, resource: str) -> bool:
        """Whether the ARN fits. Raises `UnsupportedPolicyError` where the guide allows two answers."""
        if list(self.fields) == [[Wildcard.ANY_RUN]]:
            return True
        by_field = all(matches(pattern, field) for pattern, field in zip(self.fields, resource.split(":", 5), strict=True))
        # "If the * wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon
        # boundaries": can, not does. Where that would change the answer, there is no answer.
        may_run_on = any(pattern[-1:] == [Wildcard.ANY_RUN] for pattern in self.fields[:5])
        if may_run_on and not by_field and matches(self._as_one(), resource):
            raise UnsupportedPolicyError(f"a wildcard that may or may not cross a colon to match `{resource}`")
        return by_field

    def _as_one(self) -> Pattern:
        joined: list[Token] = list(self.fields[0])
        for field in self.fields[1:]:
            joined += [":", *field]
        return joined


@dataclass(frozen=True, slots=True)
class Comparison:
    """One context key compared with the values of the policy; any one of them suffices."""

    key: str
    read: Callable[[str], Operand]
    compare: Callable[[Operand, Operand], bool]
    values: Sequence[Operand]

    def holds(self, context: Mapping[str, str]) -> bool:
        """A key that the request does not have makes the condition false."""
        if self.key not in context:
            return False
        asked = self.read(context[self.key])
        return any(self.compare(asked, value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, fully read."""

    effect: Literal["Allow", "Deny"]
    actions: Sequence[Pattern]
    resources: Sequence[ResourcePattern]
    comparisons: Sequence[Comparison]

    def applies(self, action: str, resource: str, context: Mapping[str, str]) -> bool:
        """Whether the statement speaks about this request: its action, its resource and all of its conditions."""
        return (
            any(matches(pattern, action.lower()) for pattern in self.actions)
            and any(pattern.matches(resource) for pattern in self.resources)
            and all(comparison.holds(context) for comparison in self.comparisons)
        )


def _read_document(document: Mapping[str, object]) -> list[Statement]:
    _refuse_unknown_elements(document, {"Version", "Id", "Statement"})
    version = document.get("Version")
    if version not in ("2012-10-17", "2008-10-17"):
        raise UnsupportedPolicyError(f"policy language version `{version}`")
    statement = document.get("Statement")
    statements = [statement] if isinstance(statement, Mapping) else statement
    if not isinstance(statements, list | tuple) or not statements:
        raise UnsupportedPolicyError("no statement")
    sids = [each["Sid"] for each in statements if isinstance(each, Mapping) and "Sid" in each]
    if len(sids) != len(set(map(str, sids))):
        raise UnsupportedPolicyError("the same Sid twice")
    return [_read_statement(each, variables=version == "2012-10-17") for each in statements]


def _read_statement(statement: object, *, variables: bool) -> Statement:
    if not isinstance(statement, Mapping):
        raise UnsupportedPolicyError("a statement that is not an object")
    _refuse_unknown_elements(statement, {"Sid", "Effect", "Action", "Resource", "Condition"})
    effect = statement.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise UnsupportedPolicyError(f"effect `{effect}`")
    return Statement(
        effect="Allow" if effect == "Allow" else "Deny",
        actions=[_read_action(text) for text in _strings(statement, "Action")],
        resources=[_read_resource(text, variables=variables) for text in _strings(statement, "Resource")],
        comparisons=_read_condition(statement["Condition"]) if "Condition" in statement else [],
    )


def _read_action(text: str) -> Pattern:
    """`vendor:name` with wildcards in the name only, or `*`; upper and lower case are the same."""
    vendor, _, name = text.partition(":")
    known_vendor = vendor and not set(vendor) - set(string.ascii_letters + string.digits + "-")
    known_name = name and not set(name) - set(string.ascii_letters + string.digits + "*?")
    if text != "*" and not (known_vendor and known_name):
        raise UnsupportedPolicyError(f"action `{text}`")
    return list(tokens(text.lower(), variables=False))


def _read_resource(text: str, *, variables: bool) -> ResourcePattern:
    """An ARN of six fields, or `*`. Policy variables are defined for the last field only."""
    fields = text.split(":", 5)
    if text != "*" and len(fields) != 6:
        raise UnsupportedPolicyError(f"resource `{text}` has fewer fields than an ARN")
    if text != "*" and (fields[0] != "arn" or set(fields[2]) & {"*", "?"} or "${" in "".join(fields[:5])):
        raise UnsupportedPolicyError(f"resource `{text}` does not name its service plainly")
    return ResourcePattern([list(tokens(field, variables=variables)) for field in fields])


def _read_condition(condition: object) -> list[Comparison]:
    comparisons = []
    for operator_name, pairs in _pairs(condition):
        for key, values in _pairs(pairs):
            if (operator_name, key.lower()) not in _OPERATORS:
                raise UnsupportedPolicyError(f"condition `{operator_name}` on `{key}`")
            read, compare = _OPERATORS[operator_name, key.lower()]
            listed = values if isinstance(values, list | tuple) and values else [values]
            comparisons.append(Comparison(key.lower(), read, compare, [read(_scalar(value)) for value in listed]))
    return comparisons


def _pairs(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, Mapping) or not value:
        raise UnsupportedPolicyError("a condition that is empty or not an object")
    return list(value.items())


def _scalar(value: object) -> str:
    """Numbers may be written with or without quotes."""
    if not isinstance(value, str | int):
        raise UnsupportedPolicyError(f"condition value `{value!r}`")
    return str(value)


def _read_number(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise UnsupportedPolicyError(f"`{text}` is not a number")
    return Decimal(text)


def _read_moment(text: str) -> datetime:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text):
        raise UnsupportedPolicyError(f"`{text}` is not a moment in the form 2026-12-01T00:00:00Z")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise UnsupportedPolicyError(f"`{text}` is not a moment") from error


_OPERATORS: Mapping[tuple[str, str], tuple[Callable[[str], Operand], Callable[[Operand, Operand], bool]]] = {
    ("NumericLessThan", "aws:epochtime"): (_read_number, operator.lt),
    ("NumericLessThanEquals", "aws:epochtime"): (_read_number, operator.le),
    ("DateLessThan", "aws:currenttime"): (_read_moment, operator.lt),
}


def _refuse_unknown_elements(found: Mapping[str, object], known: set[str]) -> None:
    if unknown := set(found) - known:
        raise UnsupportedPolicyError(f"policy elements {sorted(map(str, unknown))}")


def _strings(statement: Mapping[str, object], element: str) -> list[str]:
    value = statement.get(element)
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(each, str) for each in listed):
        raise UnsupportedPolicyError(f"`{element}` is not a string or a list of strings")
    return list(listed)

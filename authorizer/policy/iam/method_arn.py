"""The ARN of the invoked method, as API Gateway gives it to an authorizer and as policies name it.

`arn:{partition}:execute-api:{region}:{account}:{api-id}/{stage}/{verb}/{path}`; see the API Gateway developer guide, "Control access for invoking
an API". The path is the request's own, not a template, and may hold `:` and anything else that a URL may.
"""

import re
from dataclasses import dataclass

MAX_RESOURCE = 512
"""Characters that one Resource of a returned policy may have (developer guide, "Output from an API Gateway Lambda authorizer")."""

# As long as AWS makes them and more, so that what is kept of an ARN that is too long for a Resource still has all fields of an ARN.
_PARTITION = re.compile(r"[a-z0-9-]{1,32}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
# Twelve digits on AWS, and words in emulators, such as `random-account-id`.
_ACCOUNT = re.compile(r"[A-Za-z0-9-]{1,20}")
_NAME = re.compile(r"[A-Za-z0-9_$.-]+")
# What IAM would read as anything but itself, and what no ARN should hold. `$` alone is plain text to IAM: `$default` needs no escape.
_PATTERN_TEXT = re.compile(r"[*?\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|\$(?=\{)")


CONSOLE_TEST_STAGES = frozenset({"null", "ESTestInvoke-stage"})
"""What the console's test of an authorizer names as its stage (recorded). Such a request comes from nobody, and to no deployed route."""


class MethodArnError(ValueError):
    """The text is not an execute-api ARN of the form that API Gateway sends."""


@dataclass(frozen=True, slots=True)
class MethodArn:
    """A parsed ARN. `verb` is None for WebSocket route keys, which then are the `path`; other paths have no leading slash, `""` is the root."""

    partition: str
    region: str
    account: str
    api_id: str
    stage: str
    verb: str | None
    path: str

    @classmethod
    def parse(cls, text: str) -> "MethodArn":
        """Read an ARN, with bounded splits: neither `:` nor `/` in the path is lost. Raises `MethodArnError`."""
        fields = text.split(":", 5)
        if len(fields) != 6 or fields[0] != "arn" or fields[2] != "execute-api":
            raise MethodArnError("not an execute-api ARN")
        _, partition, _, region, account, resource = fields
        parts = resource.split("/", 3)
        if len(parts) < 3:
            raise MethodArnError("the ARN names no method")
        api_id, stage, method, *rest = parts
        checks = ((_PARTITION, partition), (_REGION, region), (_ACCOUNT, account), (_NAME, api_id), (_NAME, stage))
        if not all(pattern.fullmatch(value) for pattern, value in checks):
            raise MethodArnError("partition, region, account, API id or stage of the ARN is malformed")
        if method.startswith("$") and not rest:
            return cls(partition, region, account, api_id, stage, None, method)
        return cls(partition, region, account, api_id, stage, method, rest[0] if rest else "")

    @property
    def prefix(self) -> str:
        """All up to and with the slash after the stage: always literal in a policy."""
        return f"arn:{self.partition}:execute-api:{self.region}:{self.account}:{self.api_id}/{self.stage}/"

    @property
    def method_prefix(self) -> str:
        """The prefix and, where there is a verb, the verb with its slash, safe to stand in a policy."""
        return self.prefix if self.verb is None else f"{self.prefix}{literal_text(self.verb)}/"

    def __str__(self) -> str:
        return self.prefix + (self.path if self.verb is None else f"{self.verb}/{self.path}")


def is_literal(text: str) -> bool:
    """Return whether IAM reads every character of the text as itself, so that it may stand in an Allow."""
    return _PATTERN_TEXT.search(text) is None


def literal_text(text: str) -> str:
    """Return the text with every character that IAM reads as a pattern, and every control character, as `?`, which matches that one character.

    Only for a Deny: there a character too many is harmless.
    """
    return _PATTERN_TEXT.sub("?", text)

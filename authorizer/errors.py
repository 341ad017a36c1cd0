"""What can go wrong while a request is authorized.

Two kinds matter to the caller and they must never be mixed up: a `TokenError` is the caller's and becomes 401, a `TroubleError` is
ours and becomes 500. Trouble is never turned into a Deny, which API Gateway would cache; a `TokenError` only at an HTTP API that asks for it, where
the Deny is remembered for that token alone (`authorizer.unauthorized`).
"""


class GatebookError(Exception):
    """Base of all errors here. `reason` is a stable machine code, the message a sentence in lower case for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TokenError(GatebookError):
    """The token is missing or not acceptable. The message never holds the token or any part of it."""


class TroubleError(GatebookError):
    """Something needed for a decision could not be had: DynamoDB, a key set, a row that cannot be read, an event of no known format."""


class SettingsError(GatebookError):
    """The environment is missing settings, or they contradict each other. Names all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings", "settings are not usable: " + "; ".join(problems))
        self.problems = problems

"""Reads which issuers an API's authorizer trusts, from where it reads them itself: its settings, or the text of `TRUSTED_ISSUERS` in a file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from authorizer.tokens.claims import OUR_ISSUER
from authorizer.tokens.issuer_entries import OwnPool, is_pool_id, read_issuers

_PARAMETER = "ssm:"


class IssuersError(Exception):
    """The issuers cannot be read, each problem with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the issuers cannot be read: " + "; ".join(problems))
        self.problems = problems


def issuers_of_file(path: Path) -> TrustedIssuers:
    """Return the issuers of a file with the text of `TRUSTED_ISSUERS`, and one's own pool, of which other settings tell. Raises `IssuersError`, `OSError`."""
    try:
        text = path.read_text(encoding="utf-8-sig").strip() or "[]"
    except UnicodeDecodeError as error:
        raise IssuersError([f"{path} is not UTF-8: {error}"]) from None
    problems: list[str] = []
    listed = read_issuers(text, None, problems, str(path))
    if any(problem.endswith("`issuer` is missing") for problem in problems):
        problems.append(
            "what an entry leaves to `USER_POOL_ID` is not in this file: write `issuer` and `client_ids` out, or name the function instead"
        )
    if problems:
        raise IssuersError(problems)
    return TrustedIssuers((*listed, OUR_ISSUER), are_known=True)


def issuers_of_function(name: str, client: Callable[[str], Any]) -> TrustedIssuers:
    """Return the issuers that a deployed authorizer trusts, by its function's name. `client` makes a client of an AWS service. Raises `IssuersError`,
    `ClientError`.

    Needs `lambda:GetFunctionConfiguration`, and `ssm:GetParameter` where the list stands in a parameter.
    """
    environ = environment_of(name, client("lambda"))
    problems: list[str] = []
    found = issuers_of_settings(environ, lambda parameter: _parameter(client("ssm"), parameter), problems)
    if not found.are_known and not problems:
        problems.append("`USER_POOL_ID` and `TRUSTED_ISSUERS` are missing: name the function that authorizes")
    if problems:
        raise IssuersError([f"function `{name}`: {problem}" for problem in problems])
    return found


def environment_of(name: str, lambda_client: Any) -> Mapping[str, str]:
    """Return the environment of a deployed function. Needs `lambda:GetFunctionConfiguration`. Raises `ClientError`."""
    answer: Mapping[str, Any] = lambda_client.get_function_configuration(FunctionName=name)
    return dict(answer.get("Environment", {}).get("Variables", {}))


def issuers_of_settings(environ: Mapping[str, str], parameter: Callable[[str], str], problems: list[str]) -> TrustedIssuers:
    """Return the issuers of an authorizer's environment, `NOT_KNOWN` if it names none. What is wrong is added to `problems`.

    `parameter` reads a parameter of Systems Manager by its name, and raises `IssuersError` if it cannot.
    """

    def get(name: str) -> str:
        return environ.get(name, "").strip()

    pool, text, own = get("USER_POOL_ID"), get("TRUSTED_ISSUERS"), None
    if pool:
        if not is_pool_id(pool):
            problems.append(f"`USER_POOL_ID` is `{pool}`, which is no id of a user pool such as `eu-west-1_AbCdEfGhI`")
        clients = frozenset(client.strip() for client in get("APP_CLIENT_IDS").split(",") if client.strip())
        own = OwnPool(pool, clients, get("JWKS_URI"))
    else:
        alone = [name for name in ("APP_CLIENT_IDS", "JWKS_URI") if get(name)]
        problems += [f"`{name}` is set without `USER_POOL_ID`, to which it belongs" for name in alone]
    if text.startswith(_PARAMETER):
        try:
            # An empty parameter is an empty list, and a mistake as one.
            text = parameter(text.removeprefix(_PARAMETER)).strip() or "[]"
        except IssuersError as error:
            problems += [f"`TRUSTED_ISSUERS` is `{text}`: {problem}" for problem in error.problems]
            return NOT_KNOWN
    if own is None and not text:
        return NOT_KNOWN
    return TrustedIssuers(read_issuers(text, own, problems), are_known=True)


def read_parameter(name: str) -> str:
    """Return the text of a parameter for a function that reads its own settings. Raises `IssuersError`."""
    config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    return _parameter(botocore.session.get_session().create_client("ssm", config=config), name)


def _parameter(client: Any, name: str) -> str:
    """Return the text of a parameter, decrypted if need be ("GetParameter", Systems Manager API reference)."""
    try:
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise IssuersError(
            [f"the parameter cannot be read ({code}): it must be there, and whoever reads needs `ssm:GetParameter` on it"]
        ) from error
    except BotoCoreError as error:
        raise IssuersError([f"the parameter cannot be read: {error}"]) from error

"""Completes words for shells: commands, options, and the names that were last read of the table. Reads files of this machine, and never asks AWS.

A press of the tabulator key must not wait for what commands import. So the command line stands here a second time, as text.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from admin_api.cli.known_names import ApiNames, read_names
from admin_api.cli.overview import IMPORT_HELP, IMPORT_PANEL, PANELS, new_app
from admin_api.cli.settings import TargetError, completing_shell, names_file, read_target

_SAFE = re.compile(r"[\w .@/{}+~-]+")
"""Names that a shell cannot take for anything else. Others are not offered: `$connect`, a name with a quote."""


def complete_api(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return APIs of the table: `pe` -> `petstore`."""
    return _offered(_names(ctx), incomplete)


def complete_group(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return groups of the API that the command names, else of all: `gu` -> `guest`."""
    return _offered((group for names in _chosen(ctx) for group in names.groups), incomplete)


def complete_scope(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return scopes of the API that the command names, else of all: `pets/` -> `pets/read`."""
    return _offered((scope for names in _chosen(ctx) for scope in names.scopes), incomplete)


def complete_subject(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return subjects of the API that the command names, else of all: `group/g` -> `group/guest`."""
    chosen = _chosen(ctx)
    groups = [f"group/{group}" for names in chosen for group in names.groups]
    return _offered(["everyone", *groups, *(f"scope/{scope}" for names in chosen for scope in names.scopes)], incomplete)


def complete_api_or_subject(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return APIs, or subjects with --all-apis."""
    return complete_subject(ctx, incomplete) if ctx.params.get("all_apis") else complete_api(ctx, incomplete)


def complete_method(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return methods of the API's routes: `P` -> `POST`."""
    verbs = {route.partition(" ")[0] for names in _chosen(ctx) for route in names.routes}
    return _offered([*(verbs - {"ANY"}), *(_ANY if "ANY" in verbs else ())], incomplete)


def complete_path(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return paths of the API's routes with the method that the command names: `/p` -> `/pets/{petId}`."""
    method = str(ctx.params.get("method") or "").upper()
    routes = (route.partition(" ") for names in _chosen(ctx) for route in names.routes)
    return _offered((path for verb, _, path in routes if method in (verb, "") or (verb == "ANY" and method in _ANY)), incomplete)


def complete_route(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return routes of the API that the command names, else of all: `GET` -> `GET /pets`."""
    return _offered((route for names in _chosen(ctx) for route in names.routes), incomplete)


def _names(ctx: typer.Context) -> dict[str, ApiNames]:
    """Return what is known of the table that the command names."""
    try:
        target = read_target(ctx.params.get("table"), ctx.params.get("region"))
    except (TargetError, OSError):
        return {}
    return read_names(names_file(), target.key)


def _chosen(ctx: typer.Context) -> list[ApiNames]:
    known, api = _names(ctx), ctx.params.get("api")
    return [known[api]] if api in known else list(known.values())


def _offered(names: Iterable[str], incomplete: str) -> list[str]:
    found = sorted({name for name in names if name.startswith(incomplete) and _SAFE.fullmatch(name)})
    # Bash puts in what it gets, where other shells quote it.
    return [re.sub(r"([ {}~])", r"\\\1", name) for name in found] if completing_shell() == "bash" else found


_ANY = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

KINDS: dict[str, Callable[[typer.Context, str], list[str]]] = {
    "API": complete_api,
    "API|SUBJECT": complete_api_or_subject,
    "GROUP": complete_group,
    "SCOPE": complete_scope,
    "SUBJECT": complete_subject,
    "METHOD": complete_method,
    "PATH": complete_path,
    "ROUTE": complete_route,
}
"""What completes a value, by the word that stands for it in `COMMANDS`. `FILE` is left to the shell, `TEXT` is not completed."""

COMMANDS: dict[str, str] = {
    "plan": "FILE... --base=TEXT --out=FILE --detailed-exitcode --issuers=FILE --authorizer=TEXT --table=TEXT --region=TEXT --full --json",
    "apply": (
        "FILE... --base=TEXT --overwrite --reason=TEXT --author=TEXT --issuers=FILE --authorizer=TEXT --table=TEXT --region=TEXT --full --json "
        "--yes/-y --force"
    ),
    "export": "API --table=TEXT --region=TEXT --json",
    "init": "--table=TEXT --region=TEXT --yes/-y",
    "log": "API --limit/-n=TEXT --verify --expect=TEXT --table=TEXT --region=TEXT --json",
    "diff": "API TEXT TEXT --table=TEXT --region=TEXT --json",
    "rollback": "API TEXT --reason=TEXT --author=TEXT --table=TEXT --region=TEXT --full --json --yes/-y --force",
    "promote": "API API --reason=TEXT --author=TEXT --table=TEXT --region=TEXT --full --json --yes/-y --force",
    "rename-group": "API GROUP TEXT --reason=TEXT --author=TEXT --table=TEXT --region=TEXT --full --json --yes/-y --force",
    "explain": (
        "API METHOD PATH --group/-g=GROUP... --client=TEXT --scope=SCOPE... --claim=TEXT... --claims=FILE --issuers=FILE --authorizer=TEXT "
        "--table=TEXT --region=TEXT --json"
    ),
    "who-can": "API METHOD PATH --table=TEXT --region=TEXT --json",
    "what-can": "API|SUBJECT SUBJECT... --all-apis --table=TEXT --region=TEXT --json",
    "deny": "API {sub,client_id,jti,origin_jti} TEXT --reason=TEXT --hours=TEXT --sign-in-again --table=TEXT --region=TEXT --yes/-y --force",
    "undeny": "API {sub,client_id,jti,origin_jti} TEXT --reason=TEXT --table=TEXT --region=TEXT --yes/-y",
    "denied": "API --table=TEXT --region=TEXT --json",
    "check": "FILE... --invariants=FILE --callers=FILE --combinations=TEXT --issuers=FILE --authorizer=TEXT --json",
    "test": "FILE... --update --coverage --fail-under=TEXT --junit=FILE --issuers=FILE --authorizer=TEXT --json",
    "matrix": "FILE... --api=API --group=GROUP... --subject=SUBJECT... --route=ROUTE --full --depth=TEXT --csv --svg=FILE --json",
    "drift": (
        "FILE --openapi=FILE --template=FILE --serverless=FILE --source-api=TEXT --routes=FILE --api-id=TEXT --stage=TEXT --region=TEXT --api=API "
        "--json --sarif=FILE --junit=FILE --markdown=FILE"
    ),
    "issuer": "TEXT --name=TEXT --audience=TEXT... --client-id=TEXT... --groups-claim=TEXT --json",
    "doctor": "TEXT --stage=TEXT --authorizer=TEXT --region=TEXT --json",
    "probe": "--only=TEXT... --list --local --keep --region=TEXT --yes/-y --json",
    "up": "--detach/-d --port=TEXT",
    "down": "",
    "token": "TEXT",
    "import openapi": "TEXT --base-path={ignore,prepend} --name=TEXT --json",
    "import template": "FILE --api=TEXT --parameter=TEXT... --name=TEXT --json",
    "import serverless": "FILE --api=TEXT --parameter=TEXT... --name=TEXT --json",
    "import apigateway": "--api-id=TEXT --stage=TEXT --region=TEXT --name=TEXT --json",
    "import routes": "FILE --name=TEXT --json",
    "import iam": (
        "--policies=FILE --api=TEXT --user-pool-id=TEXT --identity-pool-id=TEXT --api-id=TEXT --stage=TEXT --region=TEXT --client-id=TEXT "
        "--routes=FILE --claim=TEXT... --combinations=FILE --name=TEXT --json"
    ),
    "import aws-sample": (
        "TEXT --api-id=TEXT --stage=TEXT --api=TEXT --openapi=FILE --template=FILE --routes=FILE --source-api=TEXT --region=TEXT --name=TEXT --json"
    ),
    "import casbin": "FILE --model=FILE --group=TEXT... --openapi=FILE --template=FILE --routes=FILE --source-api=TEXT --name=TEXT --json",
    "import verified-permissions": "FILE --name=TEXT --json",
}
"""Arguments and options of each command. `--table=TEXT` takes a value, `--json` takes none, `FILE...` takes several, and `{a,b}` is one of these words."""


def completion_app(line: str) -> typer.Typer:
    """Return the command with arguments and options, and nothing behind them, of those subcommands that the line to complete speaks of."""
    app, imports = new_app(), typer.Typer(help=IMPORT_HELP)
    words = set(line.split())
    for panel, commands in PANELS.items():
        for name, text in commands.items():
            app.command(name, help=text, rich_help_panel=panel)(_stand_in(COMMANDS[name] if name in words else ""))
    for each, parameters in COMMANDS.items():
        group, space, name = each.partition(" ")
        if space:
            imports.command(name)(_stand_in(parameters if group in words else ""))
    app.add_typer(imports, name="import", rich_help_panel=IMPORT_PANEL)
    return app


def _one_of(choices: list[str]) -> Callable[[], list[str]]:
    def complete() -> list[str]:
        return choices

    return complete


def _stand_in(line: str) -> Callable[..., None]:
    """Return a function that does nothing, with the parameters of a line of `COMMANDS`."""
    parameters: dict[str, inspect.Parameter] = {}
    for word in line.split():
        names, equals, kind = word.removesuffix("...").partition("=") if word.startswith("-") else ("", "=", word.removesuffix("..."))
        several = word.endswith("...")
        held: Any = list[str] if several else str if equals else bool
        choices = kind.strip("{}").split(",") if kind.startswith("{") else []
        completed = KINDS.get(kind) or (_one_of(choices) if choices else None)
        name = (names.rpartition("--")[2] or kind.partition("|")[0]).lower().replace("-", "_")
        name = name if name.isidentifier() and name not in parameters else f"parameter_{len(parameters)}"
        info = typer.Option(*names.split("/"), autocompletion=completed) if names else typer.Argument(autocompletion=completed)
        parameters[name] = inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None if equals else False, annotation=Annotated[held, info]
        )

    def stand_in(**_: object) -> None:
        """Stand for a command."""

    stand_in.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]
    stand_in.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}
    return stand_in

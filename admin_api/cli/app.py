"""The `gatebook` command: its subcommands, and what each kind of failure exits with."""

import functools
from collections.abc import Callable
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from admin_api.cli.aws_trouble import nothing_named, told
from admin_api.cli.commands import access, check, denylist, doctor, drift, history, import_, issuer, local, matrix, permissions, probe, test
from admin_api.cli.discovery import AddressError, DiscoveryError, IssuerUnreachableError
from admin_api.cli.known_names import remembering
from admin_api.cli.overview import IMPORT_HELP, IMPORT_PANEL, PANELS, new_app
from admin_api.cli.render import output
from admin_api.cli.settings import TargetError, names_file
from admin_api.doctor.calls import DoctorError
from admin_api.importers.aws_permissions import PermissionMissingError
from admin_api.importers.imported import ImportSourceError
from admin_api.issuers import IssuersError
from admin_api.publishing.lockout import LockOutError
from admin_api.publishing.service import ChangeTooLargeError, ConflictError, DenylistFullError, NotPublishedError
from authorizer.errors import TroubleError

EXIT_CODES: dict[type[Exception], int] = {
    ChangeTooLargeError: 1,
    LockOutError: 1,
    DenylistFullError: 1,
    DiscoveryError: 1,
    TargetError: 2,
    IssuersError: 2,
    AddressError: 2,
    ImportSourceError: 2,
    DoctorError: 2,
    NotPublishedError: 2,
    ConflictError: 3,
    TroubleError: 4,
    IssuerUnreachableError: 4,
    PermissionMissingError: 4,
    BotoCoreError: 4,
    ClientError: 4,
    OSError: 2,
}
"""The exit code of each error. Documents with problems end with 1 as well, wrong arguments and the answer no with 2: `ConflictError` -> 3."""

app = new_app()


def _with_exit_codes(command: Callable[..., None]) -> Callable[..., None]:
    """Ends every failure that is not a bug with one message and its exit code."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        with nothing_named(), remembering(names_file()):
            try:
                command(*args, **kwargs)
            except tuple(EXIT_CODES) as error:
                at_file = isinstance(error, OSError) and error.filename
                output.print_error(f"{at_file}: {error.strerror}" if isinstance(error, OSError) and at_file else told(error))
                raise typer.Exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))) from None

    return run


_COMMANDS: dict[str, Callable[..., None]] = {
    "plan": permissions.plan,
    "apply": permissions.apply,
    "export": permissions.export,
    "init": permissions.init,
    "log": history.log,
    "diff": history.diff,
    "rollback": history.rollback,
    "promote": history.promote,
    "rename-group": history.rename_group,
    "explain": access.explain,
    "who-can": access.who_can_call,
    "what-can": access.what_can_call,
    "deny": denylist.deny,
    "undeny": denylist.undeny,
    "denied": denylist.denied,
    "check": check.check,
    "test": test.run_policy_tests,
    "matrix": matrix.matrix,
    "drift": drift.drift,
    "doctor": doctor.doctor,
    "probe": probe.probe,
    "issuer": issuer.issuer,
    "up": local.up,
    "down": local.down,
    "token": local.token,
}

for _panel, _names in PANELS.items():
    for _name in _names:
        app.command(_name, rich_help_panel=_panel)(_with_exit_codes(_COMMANDS[_name]))

imports = typer.Typer(help=IMPORT_HELP, no_args_is_help=True)
for _name, _command in import_.COMMANDS.items():
    imports.command(_name)(_with_exit_codes(_command))
app.add_typer(imports, name="import", rich_help_panel=IMPORT_PANEL)

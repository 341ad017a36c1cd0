"""What `gatebook --help` shows: which commands there are. It needs none of them, since importing them takes four times as long as showing this."""

import typer

PANELS: dict[str, dict[str, str]] = {
    "Permissions": {
        "plan": "Show what applying the files would change: rows, and who gains or loses which route. Writes nothing to the table.",
        "apply": "Make the table hold what the files say: one version per API, several for a very large change, none for an API that already does.",
        "export": (
            "Print the published document, as YAML that `apply` takes back without a change. Its first line says which version it is: "
            "`apply` refuses to take back\nwhat somebody else has published since."
        ),
        "init": "Create the permission table, where no template did: for tests and trials.",
    },
    "History": {
        "log": "Show the history: who changed what, when and why, the newest version first. With --verify, exits with 1 if anything was altered.",
        "diff": "Show who gained or lost which route between two versions.",
        "rollback": "Publish an old version's document again, as a new version. Nothing of the history is lost.",
        "promote": "Make a candidate's document the one of an API, as a new version. The candidate stays as it is.",
        "rename-group": "Call a group something else, wherever the document names it, as one version. Its members are moved in the user pool, not here.",
    },
    "Who may what": {
        "explain": "Say whether a caller may make a request, which permissions decide, what nearly would, and what a grant would look like.",
        "who-can": "List the groups, clients and scopes that may make a request, and by which permissions.",
        "what-can": "List what a group, client or scope may call, everyone's permissions included.",
    },
    "Kill switch": {
        "deny": "Refuse tokens of a user, a client, or one sign-in, whatever they say otherwise. Takes effect after the authorizers' refresh interval.",
        "undeny": "Accept tokens again that were refused.",
        "denied": "List whose tokens are refused, until when and why.",
    },
    "Without a table": {
        "check": (
            "Look for what is wrong with documents that are well formed: broken rules and invariants, permissions that do nothing, routes that "
            "nobody may call, and\nwhat `token` scope cannot say. Exits with 1 if there is anything to see to."
        ),
        "test": "Run policy tests: files that say who shall get which answer. Exits with 1 if a document answers otherwise, and says what decided.",
        "matrix": "Show who may call what: every route against every group, client and scope, each with what everyone may.",
        "drift": (
            "Compare a document's catalogue with what is deployed: routes that it lacks, routes that are gone or renamed, and routes without an "
            "authorizer. Exits\nwith 1 if anything differs."
        ),
        "issuer": (
            "Ask an issuer's discovery document and print its entry for TRUSTED_ISSUERS: its keys, its algorithms, and where its tokens say groups and clients."
        ),
    },
    "A deployed API": {
        "doctor": (
            "Look at a deployed API with its authorizer, function, role, table and user pool: what lets somebody in, keeps somebody out, or will one day. "
            "Each finding\nsays what to do. Writes nothing. Exits with 1 if anything is found, or could not be read."
        ),
        "probe": (
            "Settle on your account what no AWS document says: how API Gateway writes ARNs, what it remembers, which conditions it evaluates. Makes a stack of "
            "three\nsmall APIs, asks, proposes settings and deletes it. Exits with 1 if an outcome was not expected."
        ),
    },
    "Local stack": {
        "up": "Start the local stack: an AWS emulator with the real templates deployed, seeds applied and users to sign in as.",
        "down": "Stop the local stack that runs with the state of this folder. Its state stays for the next start.",
        "token": "Sign in to the local stack's Cognito as USER and print the access token, for use in `curl`.",
    },
}
"""The first paragraph of each command's help, by panel and name."""

IMPORT_PANEL = "Without a table"
IMPORT_HELP = (
    "Make a document of what you have: routes of an API, permissions of other tools. Prints it, and what it could not take; writes nothing."
)


def new_app() -> typer.Typer:
    """Return the command without subcommands."""
    return typer.Typer(
        name="gatebook",
        help="Which group may call which route: permissions as data for API Gateway.",
        epilog=(
            "Exit codes: 0 done, 1 findings, 2 usage, 3 somebody else published first, 4 trouble with AWS or an issuer, "
            "5 changes (`plan --detailed-exitcode`)."
        ),
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )


def overview() -> typer.Typer:
    """Return the command with names and help of its subcommands, which do nothing."""
    app = new_app()
    for panel, commands in PANELS.items():
        for name, text in commands.items():
            app.command(name, help=text, rich_help_panel=panel)(_nothing)
    app.command("import", help=IMPORT_HELP, rich_help_panel=IMPORT_PANEL)(_nothing)
    return app


def _nothing() -> None:
    """Stands for a command."""

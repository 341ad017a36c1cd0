"""The command that asks an issuer who it is: issuer."""

from typing import Annotated

import typer

from admin_api.cli.discovery import asked_issuer, discover
from admin_api.cli.issuer_proposal import Wishes, problems_of, propose
from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.cli.target import EXIT_USAGE, JsonOption


def issuer(
    url: Annotated[str, typer.Argument(metavar="URL", help="The issuer's address, as `iss` of its tokens says it.", show_default=False)],
    name: Annotated[
        str, typer.Option("--name", help="What stands before its groups, clients and users: `partner`. None for your own directory.")
    ] = "",
    audience: Annotated[
        list[str] | None, typer.Option("--audience", help="API that its tokens must be for (`aud`). May be given again.")
    ] = None,
    client_id: Annotated[
        list[str] | None, typer.Option("--client-id", help="Client whose tokens are accepted. May be given again.")
    ] = None,
    groups_claim: Annotated[
        str, typer.Option("--groups-claim", help="Claim with the groups, or a JSON Pointer such as `/realm_access/roles`.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Ask an issuer's discovery document and print its entry for TRUSTED_ISSUERS: its keys, its algorithms, and where its tokens say groups and clients.

    Give --audience or --client-id, or both: they say whose tokens are accepted.

    Example: gatebook issuer https://id.shop.example/realms/shop --name keycloak --audience petstore > issuers.json
    """
    wishes = Wishes(name, audience or [], client_id or [], groups_claim)
    _check(wishes)
    asked = asked_issuer(url)
    with output.ERR.status(f"asking {shown(asked)}"):
        found = discover(asked)
    proposal = propose(asked, found, wishes)
    if json:
        output.print_json({"kind": proposal.kind, "document": found.url, "issuers": [proposal.entry], "notes": proposal.notes})
        return
    output.ERR.print(f"[dim]{shown(found.url)} is that of {shown(proposal.kind)}[/]", highlight=False)
    output.print_json([proposal.entry])
    for note in proposal.notes:
        output.ERR.print(f"- {shown(note)}", highlight=False)


def _check(wishes: Wishes) -> None:
    """End the command before anybody is asked if the options could make no entry."""
    problems = []
    if not wishes.audience and not wishes.client_ids:
        problems.append(
            "say whose tokens are accepted: --audience with the API that they are for (`aud`), --client-id with the clients that they are given to, or both"
        )
    else:
        address = "https://id.example"
        problems += problems_of({"issuer": address, "jwks_uri": address, **wishes.fields})
    for problem in problems:
        output.print_error(problem)
    if problems:
        raise typer.Exit(EXIT_USAGE)

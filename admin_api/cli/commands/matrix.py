"""The command that shows who may call what: as a table, as CSV, as JSON, or as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from admin_api.analysis.matrix import Matrix, matrix_of, subjects_of
from admin_api.analysis.subjects import SubjectSyntaxError, parse_subject_ref
from admin_api.cli.commands.permissions import read_documents
from admin_api.cli.completion import complete_api, complete_group, complete_route, complete_subject
from admin_api.cli.render import output
from admin_api.cli.render.matrix import csv_of, picture_of, print_matrix
from admin_api.cli.target import FilesArgument, JsonOption
from admin_api.schemas import models, presenters
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.route import RouteSyntaxError, parse_selector


def matrix(
    files: FilesArgument,
    api: Annotated[
        str | None, typer.Option("--api", help="Show this API of the files only.", show_default=False, autocompletion=complete_api)
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help="Show this group only; may be given again.", show_default=False, autocompletion=complete_group),
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            "--subject", help="The same for everyone, client/ID or scope/NAME.", show_default=False, autocompletion=complete_subject
        ),
    ] = None,
    route: Annotated[
        str | None,
        typer.Option(
            "--route", help="Show these routes only: a selector such as `* /admin/**`.", show_default=False, autocompletion=complete_route
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every route and subject, whatever the terminal's size.")] = False,
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=0, help="Fold routes after so many segments of their paths, also in a pipe.", show_default=False),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw a picture into this file, and print nothing.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Show who may call what: every route against every group, client and scope, each with what everyone may.

    A terminal shows what it has room for, and folds the rest by paths: `/pets/**  12 routes` with `yes` for who may call all 12 and `3/12` for who may call 3.

    A `*` marks conditions. Who may call exactly the same is one column, `admin, ops (+3)`. The last line says how to see all. Pipes, --csv, --svg, --json do.

    With --depth 2 it folds after two segments, as in `/pets/{petId}/**`.

    Example: gatebook matrix seed_data/dev.yaml --depth 2

    Example: gatebook matrix seed_data/dev.yaml --group guest --route "* /pets/**\""""
    if full and depth is not None:
        raise typer.BadParameter("--full folds nothing, and --depth says how far to fold: choose one")
    documents = read_documents(files, "nothing was looked at", quiet=json)
    if api is not None:
        documents = [document for document in documents if document.api == api]
        if not documents:
            raise typer.BadParameter(f"no document is of the API `{api}`")
    wanted = _wanted(group or [], subject or [])
    if svg is not None and len(documents) > 1:
        raise typer.BadParameter(f"--svg draws one API, and there are {len(documents)}: choose one with --api")
    grids = [_grid(document, wanted, route) for document in documents]
    missing = [ref for ref in wanted if not any(ref in grid.subjects for grid in grids)]
    if missing:
        raise typer.BadParameter(f"no document has {', '.join(f'`{ref}`' for ref in missing)}")
    if svg is not None:
        svg.write_text(picture_of(grids[0]), encoding="utf-8")
    elif json:
        output.print_json([_as_json(document, grid) for document, grid in zip(documents, grids, strict=True)])
    elif csv:
        output.OUT.out(csv_of(grids), end="", highlight=False)
    else:
        for grid in grids:
            print_matrix(grid, full=full, depth=depth)


def _wanted(groups: list[str], subjects: list[str]) -> list[PrincipalRef]:
    try:
        return [*(PrincipalRef(RefKind.GROUP, name) for name in groups), *map(parse_subject_ref, subjects)]
    except SubjectSyntaxError as error:
        raise typer.BadParameter(str(error)) from None


def _grid(document: PermissionDocument, wanted: list[PrincipalRef], route: str | None) -> Matrix:
    try:
        if route is not None:
            parse_selector(route)
    except RouteSyntaxError as error:
        raise typer.BadParameter(str(error)) from None
    # A document that lacks all of them has nothing to show, which is not the same as having been asked for everything.
    here = [ref for ref in wanted if ref in subjects_of(document)]
    return matrix_of(document, here or wanted, route)


def _as_json(document: PermissionDocument, grid: Matrix) -> models.DocumentMatrix:
    rows = [presenters.matrix_row(document, ref) for ref in grid.subjects]
    shown = {f"{verb} {row.route.path}" for row in grid.rows for verb in row.route.verbs}
    for row in rows:
        row.cells = [cell for cell in row.cells if cell.route in shown]
    return models.DocumentMatrix(api=document.api, rows=rows)

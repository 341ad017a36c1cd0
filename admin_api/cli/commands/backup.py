"""Commands that copy whole histories out of a table and back: backup, restore."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import IO, Annotated

import typer

from admin_api.cli.completion import complete_api
from admin_api.cli.render import output
from admin_api.cli.render.plan import print_plan
from admin_api.cli.target import (
    ForceOption,
    FullOption,
    JsonOption,
    ReasonOption,
    RegionOption,
    TableOption,
    YesOption,
    ask,
    identity,
    named_target,
    recovery_on,
)
from admin_api.documents.backup_files import BackedUpApi, Backup, BackupFileError, BackupHeader, BackupWriter, reading, writing
from admin_api.publishing.recovery import CopiedHistory, Fields, Recovery, Restoration, Way
from admin_api.schemas import models
from authorizer.errors import TroubleError

ApisArgument = Annotated[list[str] | None, typer.Argument(help="Names of APIs. Else all.", show_default=False, autocompletion=complete_api)]

STANDARD = Path("-")
"""Standard output or input in place of a file."""


def backup(
    api: ApisArgument = None,
    *,
    out: Annotated[
        Path, typer.Option("--out", help="File to write; packed if its name ends in .gz. `-` is standard output.", show_default=False)
    ],
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Write whole histories to a file: every version, row and entry of the denylist, checked against the chain of hashes. Without a name, of all APIs.

    Example: gatebook backup --out permissions.backup.gz"""
    if json and out == STANDARD:
        raise typer.BadParameter("--json and the backup itself both go to standard output: give --out a file")
    target = named_target(table, region)
    recovery = recovery_on(target)
    with output.ERR.status("reading the table"):
        snapshots = recovery.snapshots(api or [])
    # The denylists were read before: what had ended by now may be missing from them.
    marks = tuple(BackedUpApi(each.api, each.head.version, each.head.hash) for each in snapshots)
    header = BackupHeader(target.table, target.region or "", int(time.time()), version("gatebook"), marks)
    done = []
    with _stream(out) as stream:
        file = BackupWriter(stream, header)
        with output.progress("backing up", sum(each.parts for each in snapshots), quiet=json) as advance:
            for snapshot in snapshots:
                count = 0
                for fields in recovery.read(snapshot, advance):
                    file.write(fields)
                    count += 1
                done.append(models.BackedUp(api=snapshot.api, version=snapshot.head.version, hash=snapshot.head.hash, items=count))
        file.finish()
    if json:
        output.print_json(list(done))
        return
    told = output.ERR if out == STANDARD else output.OUT
    for each in done:
        told.print(f"[bold green]backed up[/] {each.api} version {each.version}, {each.items} items, hash {each.hash}", highlight=False)
    if not done:
        told.print("the table has no API: the backup is empty", highlight=False)


def restore(
    file: Annotated[Path, typer.Argument(help="File that `gatebook backup` wrote. `-` is standard input.", show_default=False)],
    api: ApisArgument = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also make an API that the table has hold what the backup says, as a later version.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, say what would be done, and write nothing.")] = False,
    reason: ReasonOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Write histories of a backup into a table that does not have these APIs. The file is checked before anything is written.

    With --replace also for an API that the table has: authorizers follow it as they follow any change. Interrupted, it leaves no version that anybody
    could read, and running it again goes on.

    Example: gatebook restore permissions.backup.gz --table my-permissions"""
    target = named_target(table, region)
    if file == STANDARD and not (yes or dry_run or target.is_local):
        raise typer.BadParameter("the backup comes from standard input, where no answer can come from: give --yes")
    recovery = recovery_on(target)
    with reading(sys.stdin.buffer if file == STANDARD else file) as source:
        chosen = _chosen(source, api or [])
        with output.progress("checking the backup", len(chosen), quiet=json) as advance:
            copies = _checked(recovery, source, chosen, advance)
        with output.ERR.status("reading the table"):
            wanted = {copy.api: recovery.assess(copy, replacing=replace) for copy in copies}
        if not json:
            for each in wanted.values():
                _announce(recovery, each, full=full)
        if dry_run:
            _finish([_would(each) for each in wanted.values()], json)
            return
        if any(each.way is not Way.PRESENT or each.repairs for each in wanted.values()):
            ask(target, yes, "write this")
        me = identity(target)
        why = reason or f"restore from a backup of {source.header.table}"
        done = []
        with output.progress("restoring", sum(len(copy.keys) for copy in copies), quiet=json) as advance:
            for name, items in _by_api(source):
                if name in wanted:
                    step = wanted[name]
                    head = recovery.restore(step, items, author=me, reason=why, force=force, on_item=advance)
                    result = models.Restored(
                        api=name, way=step.way, version=head.version, hash=head.hash, dry_run=False, denials=len(step.denials)
                    )
                    done.append(result)
                    if not json:
                        with advance.aside():
                            _tell(result)
    if json:
        output.print_json(list(done))


@contextmanager
def _stream(out: Path) -> Iterator[IO[bytes]]:
    if out == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with writing(out) as stream:
        yield stream


def _chosen(source: Backup, apis: list[str]) -> list[BackedUpApi]:
    held = {each.api: each for each in source.header.apis}
    missing = sorted(set(apis) - held.keys())
    if missing:
        raise typer.BadParameter(f"the backup has no API `{missing[0]}`: it has {', '.join(held) or 'none'}")
    return [held[name] for name in apis] if apis else list(held.values())


def _by_api(source: Backup) -> Iterator[tuple[str, Iterator[Fields]]]:
    """Yield the items of the backup's APIs, one API after the other."""
    for name, lines in groupby(_named(source), key=lambda each: each[0]):
        yield name, (fields for _, _, fields in lines)


def _named(source: Backup) -> Iterator[tuple[str, int, Fields]]:
    """Yield each item with the API that it stands for: that of the last line that named one, as a backup's first line of each API does."""
    names = {each.api for each in source.header.apis}
    current = ""
    for line, fields in source.items():
        if fields["pk"] == "apis":
            current = str(fields.get("name"))
        if current not in names:
            raise BackupFileError(f"line {line} belongs to no API that line 1 names")
        yield current, line, fields


def _checked(recovery: Recovery, source: Backup, chosen: list[BackedUpApi], advance: output.Bar) -> list[CopiedHistory]:
    """Return the histories that were chosen, each checked. Raises what `Recovery.check` raises."""
    wanted = {each.api: each for each in chosen}
    found: dict[str, CopiedHistory] = {}
    for name, lines in groupby(_named(source), key=lambda each: each[0]):
        if name in wanted:
            copy = recovery.check(name, ((line, fields) for _, line, fields in lines), source.header.taken_at)
            if name in found or (copy.head.version, copy.head.hash) != (wanted[name].version, wanted[name].hash):
                raise BackupFileError(f"line 1 names another version of `{name}` than the backup holds, or holds it twice")
            found[name] = copy
            advance()
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        raise BackupFileError(f"line 1 names API `{missing[0]}`, of which the backup holds nothing")
    return list(found.values())


def _announce(recovery: Recovery, step: Restoration, *, full: bool) -> None:
    """Say what will be done with an API."""
    head, base = step.copy.head, step.base
    at = f"version {head.version} of the backup, {len(step.copy.keys)} items"
    words = {
        Way.NEW: f"new in the table; {at}",
        Way.PRESENT: f"the table is at {at}" + ("; they are written again" if step.repairs else "; nothing to do"),
        Way.CONTINUED: f"the table is at version {base.version if base else 0}, and goes on to {at}",
        Way.PUBLISHED: f"the table is at version {base.version if base else 0} of another course; the document of {at}, becomes the next",
    }
    output.OUT.print(f"[bold]{step.api}[/]: {words[step.way]}", highlight=False)
    if step.way is Way.PUBLISHED:
        if step.repairs:
            output.OUT.print(f"  what the first {head.version} versions wrote is put back", highlight=False)
        if step.denials:
            output.OUT.print(
                f"  {len(step.denials)} entries of the denylist are put back, and what the table refuses stays refused", highlight=False
            )
        try:
            print_plan(recovery.plan(step), full=full)
        except TroubleError as error:
            if not step.repairs:
                raise
            output.print_notes_aside([f"what this changes can be told once the table is put right: {error}"])


def _would(step: Restoration) -> models.Restored:
    version, hash_ = step.copy.head.version, step.copy.head.hash
    if step.way is Way.PUBLISHED and step.base is not None:
        return models.Restored(api=step.api, way=step.way, version=step.base.version, hash=None, dry_run=True, denials=len(step.denials))
    return models.Restored(api=step.api, way=step.way, version=version, hash=hash_, dry_run=True, denials=len(step.denials))


def _tell(result: models.Restored) -> None:
    output.OUT.print(f"[bold green]restored[/] {result.api} version {result.version}, hash {result.hash}", highlight=False)


def _finish(results: list[models.Restored], json: bool) -> None:
    if json:
        output.print_json(list(results))
    else:
        output.OUT.print("nothing was written; the backup is whole", highlight=False)

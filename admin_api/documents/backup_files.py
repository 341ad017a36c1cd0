"""Backups as files: JSON Lines, a header first, then one item a line, and a count with a SHA-256 at the end, so that a file that was cut off is noticed."""

import gzip
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

FORMAT = 1

_GZIP = b"\x1f\x8b"
_END = b'{"lines"'
_SPOOLED_BYTES = 16 * 1024 * 1024
"""Up to this size a backup from standard input is kept in memory, else in a temporary file."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"


class BackupFileError(Exception):
    """A file is no backup, or not a whole one."""


@dataclass(frozen=True, slots=True)
class BackedUpApi:
    """One API of a backup: the version that it was at, and the hash of that version."""

    api: str
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """Where a backup comes from: `taken_at` in epoch seconds, and the `release` of the product that wrote it."""

    table: str
    region: str
    taken_at: int
    release: str
    apis: tuple[BackedUpApi, ...]


class BackupWriter:
    """Writes one backup. Without `finish` it is no whole one, and no reader takes it."""

    def __init__(self, stream: IO[bytes], header: BackupHeader) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self._lines = 0
        self.write(
            {
                "gatebook_backup": FORMAT,
                "table": header.table,
                "region": header.region,
                "taken_at": datetime.fromtimestamp(header.taken_at, UTC).strftime(_TIME),
                "release": header.release,
                "apis": [{"api": each.api, "version": each.version, "hash": each.hash} for each in header.apis],
            }
        )

    def write(self, fields: dict[str, Any]) -> None:
        """Write an item as a line: `{"pk":"api#petstore","sk":"head",...}`."""
        line = json.dumps(fields, separators=(",", ":")).encode() + b"\n"
        self._stream.write(line)
        self._sha256.update(line)
        self._lines += 1

    def finish(self) -> None:
        """Write the last line: how many lines stand before it, and the SHA-256 of their bytes."""
        self._stream.write(json.dumps({"lines": self._lines, "sha256": self._sha256.hexdigest()}).encode() + b"\n")


class Backup:
    """A whole backup, read as often as it takes. Its header is there at once, its items are read line by line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.header = self._check()

    def items(self) -> Iterator[tuple[int, dict[str, str | int]]]:
        """Yield every item with its line. The second line of the file is 2. Raises `BackupFileError` for a line that is no item."""
        for number, line in self._lines():
            if number == 1 or line.startswith(_END):
                continue
            fields = _fields(number, line)
            if not all(type(value) in (str, int) for value in fields.values()) or not {"pk", "sk"} <= fields.keys():
                raise BackupFileError(f"line {number} is no item: an item has `pk`, `sk` and attributes that are text or whole numbers")
            yield number, fields

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        self._stream.seek(0)
        packed = self._stream.read(2) == _GZIP
        self._stream.seek(0)
        lines = cast("IO[bytes]", gzip.GzipFile(fileobj=self._stream, mode="rb")) if packed else self._stream
        try:
            yield from enumerate(lines, 1)
        except (EOFError, OSError, zlib.error) as error:
            raise BackupFileError(f"the file is damaged or was cut off: {error}") from None

    def _check(self) -> BackupHeader:
        """Return the header of a whole file."""
        header: BackupHeader | None = None
        sha256 = hashlib.sha256()
        end: dict[str, Any] | None = None
        count = 0
        for number, line in self._lines():
            if header is None:
                header = _header(line)
            if end is not None:
                raise BackupFileError(f"line {number} stands behind the end of the backup, line {number - 1}")
            if line.startswith(_END):
                end = _fields(number, line)
                continue
            sha256.update(line)
            count = number
        if header is None:
            raise BackupFileError("the file is empty: it is no backup")
        if end is None:
            raise BackupFileError(f"the file was cut off: its last line, {count}, is not the count and digest with which a backup ends")
        if end.get("lines") != count or end.get("sha256") != sha256.hexdigest():
            raise BackupFileError(
                f"the file is not what was written: its last line, {count + 1}, names another count or digest than it has"
            )
        return header


def _fields(number: int, line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise BackupFileError(f"line {number} is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BackupFileError(f"line {number} is no JSON object")
    return value


def _header(line: bytes) -> BackupHeader:
    try:
        fields = _fields(1, line)
        format_ = fields["gatebook_backup"]
    except (BackupFileError, KeyError):
        raise BackupFileError("this is no backup: line 1 is not the header that `gatebook backup` writes") from None
    if format_ != FORMAT:
        raise BackupFileError(
            f"the backup has format {format_}, and this release reads {FORMAT}: restore it with the release that wrote it"
        )
    try:
        apis = tuple(BackedUpApi(str(each["api"]), int(each["version"]), str(each["hash"])) for each in fields["apis"])
        taken_at = int(datetime.strptime(fields["taken_at"], _TIME).replace(tzinfo=UTC).timestamp())
        return BackupHeader(str(fields["table"]), str(fields["region"]), taken_at, str(fields["release"]), apis)
    except (KeyError, TypeError, ValueError) as error:
        raise BackupFileError(f"line 1 is no header of a backup: {error!r}") from None


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write a backup to, readable by its owner alone, packed if its name ends in `.gz`. It gets its name at the end, if nothing fails."""
    folder = path.parent
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as plain:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=plain, mode="wb", mtime=0) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield plain
            plain.flush()
            os.fsync(plain.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def reading(source: Path | BinaryIO) -> Iterator[Backup]:
    """Open a backup in a file, or in a stream that is read to its end first. Raises `BackupFileError` unless it is a whole one."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield Backup(stream)
        return
    with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as kept:
        shutil.copyfileobj(source, kept)
        yield Backup(cast("IO[bytes]", kept))

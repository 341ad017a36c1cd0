"""Audits what the lock files pin against known advisories: `python -m infra.supply_chain.advisories`.

The advisories stand in `advisories.json`, so that an audit asks nobody and says the same everywhere. `--renew` reads them anew from a database in the Open
Source Vulnerability format (https://ossf.github.io/osv-schema/), for every package that a lock file pins. An advisory that does not matter here is accepted in
that file with the reason, which renewing keeps:

    "accepted": {"PYSEC-2024-1": "only the command line of the package is affected, and nothing calls it"}
"""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from infra.supply_chain.pins import pins_of

ROOT = Path(__file__).resolve().parents[2]
ADVISORIES = Path(__file__).with_name("advisories.json")
LOCK_FILES = tuple(ROOT / f"requirements-{name}.lock" for name in ("authorizer", "admin", "dev"))
DATABASE = "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip"
"""All advisories of PyPI's packages, as OSV publishes them (https://google.github.io/osv.dev/data/)."""

_SECONDS = 60


class AdvisoriesError(Exception):
    """The advisories cannot be read or renewed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is known against some versions of a package. `ranges` are from the first bad version to the first good one, or None while there is none."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    ranges: tuple[tuple[str, str | None], ...]
    versions: tuple[str, ...]

    def affects(self, version: Version) -> bool:
        """Return whether a version is bad: `2.1` is within `("2.0", "2.2")`, and `2.2` is not. A version that nobody can read counts as bad."""
        try:
            within = any(Version(first) <= version and (fixed is None or version < Version(fixed)) for first, fixed in self.ranges)
            return within or version in {Version(each) for each in self.versions}
        except InvalidVersion:
            return True


@dataclass(frozen=True, slots=True)
class Advisories:
    """The advisories of each package that was looked up, of which some have none; `newest` is when the newest record of the database was changed."""

    packages: Mapping[NormalizedName, tuple[Advisory, ...]]
    accepted: Mapping[str, str]
    newest: str


@dataclass(frozen=True, slots=True)
class Affected:
    """A pinned version with something known against it, or one that nobody looked up (`advisory` is None then)."""

    package: str
    version: str
    advisory: Advisory | None

    def __str__(self) -> str:
        if self.advisory is None:
            return f"{self.package} {self.version}: nobody has looked up its advisories: `make advisories` does"
        names = ", ".join((self.advisory.id, *self.advisory.aliases))
        fixed = ", ".join(sorted({fixed for _, fixed in self.advisory.ranges if fixed is not None}))
        remedy = f"fixed in {fixed}: renew the lock files" if fixed else "no version is without it"
        return (
            f"{self.package} {self.version}: {names}: {self.advisory.summary} ({remedy}, or accept it in {ADVISORIES.name} with the reason)"
        )


def audit(pins: Mapping[NormalizedName, Iterable[Version]], known: Advisories) -> Iterator[Affected]:
    """Yield each pinned version that an advisory affects and nobody accepted, and each package that was never looked up."""
    for package, versions in sorted(pins.items()):
        for version in sorted(versions):
            if package not in known.packages:
                yield Affected(package, str(version), None)
                continue
            for advisory in known.packages[package]:
                if advisory.affects(version) and not {advisory.id, *advisory.aliases} & known.accepted.keys():
                    yield Affected(package, str(version), advisory)


def read_advisories(file: Path = ADVISORIES) -> Advisories:
    """Return the advisories of a file. Raises `AdvisoriesError`."""
    try:
        text = json.loads(file.read_text(encoding="utf-8"))
        packages = {canonicalize_name(name): tuple(map(_from_file, entries)) for name, entries in text["packages"].items()}
        return Advisories(packages, text["accepted"], text["newest"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AdvisoriesError(f"{file}: {error!r}: `make advisories` writes it anew") from error


def write_advisories(known: Advisories, file: Path = ADVISORIES) -> None:
    """Write advisories to a file, the same ones always as the same text."""
    packages = {
        name: [_to_file(each) for each in sorted(entries, key=lambda each: each.id)] for name, entries in sorted(known.packages.items())
    }
    text = {"newest": known.newest, "accepted": dict(sorted(known.accepted.items())), "packages": packages}
    file.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def find_advisories(packages: Iterable[NormalizedName], records: Iterable[Mapping[str, Any]], accepted: Mapping[str, str]) -> Advisories:
    """Return what a database's records say of the packages. A record that was withdrawn says nothing."""
    found: dict[NormalizedName, list[Advisory]] = {name: [] for name in packages}
    newest = ""
    for record in records:
        newest = max(newest, str(record.get("modified", "")))
        for affected in () if "withdrawn" in record else record.get("affected", ()):
            told = affected.get("package", {})
            name = canonicalize_name(str(told.get("name", "")))
            if told.get("ecosystem") == "PyPI" and name in found:
                found[name].append(_of_record(record, affected))
    if not newest:
        raise AdvisoriesError("the database has no record in the OSV format: give a zip or a folder of JSON or YAML records")
    return Advisories({name: tuple(entries) for name, entries in found.items()}, accepted, newest)


def read_database(where: str) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a database: an address or file of a zip, or a folder. Raises `AdvisoriesError`."""
    try:
        if Path(where).is_dir():
            for file in sorted(Path(where).rglob("*")):
                if file.is_file():
                    yield from _record(file.name, file.read_bytes())
            return
        with zipfile.ZipFile(_opened(where)) as archive:
            for name in sorted(archive.namelist()):
                yield from _record(name, archive.read(name))
    except (OSError, URLError, zipfile.BadZipFile, ValueError, yaml.YAMLError) as error:
        raise AdvisoriesError(
            f"{where} cannot be read: {error}: download {DATABASE} by other means and name the file with --database"
        ) from error


def _opened(where: str) -> io.BytesIO:
    if "://" not in where:
        return io.BytesIO(Path(where).read_bytes())
    if not where.startswith("https://"):
        raise AdvisoriesError(f"{where} is no https address")
    with urlopen(where, timeout=_SECONDS) as answer:  # noqa: S310  # https alone
        return io.BytesIO(answer.read())


def _record(name: str, content: bytes) -> Iterator[Mapping[str, Any]]:
    value: Any = None
    if name.endswith(".json"):
        value = json.loads(content)
    elif name.endswith(".yaml"):
        value = yaml.load(content, _YAML)  # noqa: S506  # both are safe loaders
    if isinstance(value, dict) and "affected" in value:
        yield value


# libyaml reads a database of some thousand records in seconds where it is there.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _of_record(record: Mapping[str, Any], affected: Mapping[str, Any]) -> Advisory:
    ranges: list[tuple[str, str | None]] = []
    for listed in affected.get("ranges", ()):
        if listed.get("type") != "ECOSYSTEM":
            continue
        for event in listed.get("events", ()):
            if "introduced" in event:
                ranges.append((str(event["introduced"]), None))
            elif "fixed" in event and ranges:
                ranges[-1] = (ranges[-1][0], str(event["fixed"]))
    # The list of versions repeats the ranges; it counts where there are none, or where a range ends without a fix (`last_affected`).
    is_closed = bool(ranges) and all(fixed is not None for _, fixed in ranges)
    has_last = any("last_affected" in event for listed in affected.get("ranges", ()) for event in listed.get("events", ()))
    versions = () if is_closed else tuple(map(str, affected.get("versions", ())))
    if has_last and versions:
        ranges = [each for each in ranges if each[1] is not None]
    summary = str(record.get("summary") or record.get("details", "")).strip().partition("\n")[0]
    return Advisory(str(record["id"]), tuple(map(str, record.get("aliases", ()))), summary, tuple(ranges), versions)


def _to_file(advisory: Advisory) -> dict[str, Any]:
    return {
        "id": advisory.id,
        "aliases": list(advisory.aliases),
        "summary": advisory.summary,
        "ranges": [list(each) for each in advisory.ranges],
        "versions": list(advisory.versions),
    }


def _from_file(entry: Mapping[str, Any]) -> Advisory:
    ranges = tuple((str(first), fixed) for first, fixed in entry["ranges"])
    return Advisory(entry["id"], tuple(entry["aliases"]), entry["summary"], ranges, tuple(entry["versions"]))


def main(arguments: list[str] | None = None) -> int:
    """Exit with 0 if nothing is known against what is pinned, 1 if something is, 2 if that could not be found out."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.supply_chain.advisories", description="audit the lock files against the advisories in the repository"
    )
    parser.add_argument("--renew", action="store_true", help="read the advisories anew first")
    parser.add_argument("--database", default=DATABASE, help="zip or folder of records in the OSV format (default: %(default)s)")
    options = parser.parse_args(arguments)
    pins = pins_of(*LOCK_FILES)
    try:
        if options.renew:
            write_advisories(find_advisories(pins, read_database(options.database), read_advisories().accepted))
        known = read_advisories()
    except AdvisoriesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    affected = list(audit(pins, known))
    for each in affected:
        print(each)
    print(f"{len(pins)} packages against advisories up to {known.newest[:10]}: {len(affected) or 'none'} to look at", file=sys.stderr)
    return 1 if affected else 0


if __name__ == "__main__":
    sys.exit(main())

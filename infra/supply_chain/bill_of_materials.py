"""Says what a zip is made of: a bill of materials (CycloneDX, https://cyclonedx.org/specification/overview/), and the licences of all that is in it."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_expression, is_supported_id
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from infra.trim import PackageError

_NAMESPACE = uuid.UUID("6ff8f7b6-3f0e-5a58-9d5c-6b9e6f5b7c11")

_CLASSIFIER = "License :: OSI Approved :: "

_OF_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
}
"""The SPDX identifiers of the classifiers that old metadata names a licence by, where the metadata says nothing more exact."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A package in a zip. `folder` is its `.dist-info`, with a slash behind. `licence` is an SPDX expression, or the words that its metadata has; `sha256` is
    that of the file it was installed from."""

    folder: str
    name: NormalizedName
    version: str
    licence: str
    needs: frozenset[NormalizedName]
    sha256: str


def read_distributions(installed: Path, report: Mapping[str, Any]) -> tuple[Distribution, ...]:
    """Return the packages of a folder that pip installed into, in their names' order. `report` is what `pip install --report` wrote of it.

    Raises `PackageError` for a package without a licence, and for one whose file nobody knows.
    """
    files = {
        canonicalize_name(each["metadata"]["name"]): each["download_info"]["archive_info"]["hashes"]["sha256"] for each in report["install"]
    }
    found = []
    for metadata in sorted(installed.glob("*.dist-info/METADATA")):
        fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
        name = canonicalize_name(fields["Name"])
        if name not in files:
            raise PackageError(f"`{name}` is installed and pip's report does not name the file that it came from")
        needs = frozenset(canonicalize_name(Requirement(each).name) for each in fields.get_all("Requires-Dist", ()))
        found.append(Distribution(f"{metadata.parent.name}/", name, fields["Version"], _licence(fields, name), needs, files[name]))
    return tuple(sorted(found, key=lambda each: each.name))


def _licence(fields: Message, name: str) -> str:
    """Return a package's licence (PEP 639, and before it the core metadata's fields): `License-Expression: MIT` -> `MIT`."""
    expression, words = fields["License-Expression"], str(fields["License"] or "").strip()
    if expression:
        return str(expression)
    if words and (is_expression(words) or is_supported_id(words)):
        return words
    classifiers = [each.removeprefix(_CLASSIFIER) for each in fields.get_all("Classifier", ()) if each.startswith(_CLASSIFIER)]
    if not classifiers:
        if words and "\n" not in words:
            return words
        raise PackageError(f"the metadata of `{name}` names no licence: look it up before it is deployed")
    return " OR ".join(_OF_CLASSIFIERS.get(each, each) for each in classifiers)


def bill_of(archive: Path, version: str, distributions: Iterable[Distribution]) -> str:
    """Return the bill of materials of a zip as JSON (CycloneDX 1.6).

    The same zip has the same bill: it names no date, and its serial number is made of the zip.
    """
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    licences = LicenseFactory()
    root = Component(
        name="gatebook",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="gatebook",
        description=archive.name,
        licenses=[licences.make_from_string("Apache-2.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )
    bill = Bom(serial_number=uuid.uuid5(_NAMESPACE, digest))
    bill.metadata.component = root
    parts = {each.name: _component(each, licences) for each in distributions}
    bill.components.update(parts.values())
    bill.register_dependency(root, parts.values())
    for each in distributions:
        bill.register_dependency(parts[each.name], [parts[name] for name in each.needs if name in parts])
    text = json.loads(JsonV1Dot6(bill).output_as_string())
    del text["metadata"]["timestamp"]
    return json.dumps(text, indent=1, ensure_ascii=False) + "\n"


def _component(each: Distribution, licences: LicenseFactory) -> Component:
    address = PackageURL("pypi", None, each.name, each.version)
    return Component(
        name=each.name,
        version=each.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(address),
        purl=address,
        licenses=[licences.make_from_string(each.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each.sha256)],
    )


def licences_of(distributions: Iterable[Distribution]) -> str:
    """Return the licences as lines of text, a package each: `jmespath 1.1.0: MIT`. Their texts are in the zip, in each package's `.dist-info`."""
    return "".join(f"{each.name} {each.version}: {each.licence}\n" for each in distributions)

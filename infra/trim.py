"""Leaves of installed packages what the authorizer needs of them: what a cold start does not read and does not import, it does not pay for.

Data is cut down to the services and operations that are called. A few modules that the packages import and that the authorizer never uses are replaced by
stand-ins of the same names: each says what it stands for, and whatever would be missed raises an error that names it.
"""

import gzip
import json
import re
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from authorizer.authorities import AUTHORITIES

AWS_AUTHORITIES = frozenset({f"Amazon Root CA {number}" for number in range(1, 5)} | {"Starfield Services Root Certificate Authority - G2"})
"""The common names of the roots that Amazon Trust Services asks relying parties to hold (https://www.amazontrust.com/repository)."""


class PackageError(Exception):
    """The zip cannot be built; the message says what to do."""


def trim_endpoints(installed: Path, services: Collection[str]) -> None:
    """Leave in botocore's table of endpoints those of the services that a function talks to: reading all of it costs each cold start 20 ms."""
    table = installed / "botocore" / "data" / "endpoints.json"
    endpoints = json.loads(table.read_text(encoding="utf-8"))
    for partition in endpoints["partitions"]:
        partition["services"] = {name: service for name, service in partition["services"].items() if name in services}
    table.write_text(json.dumps(endpoints, separators=(",", ":")), encoding="utf-8")


def trim_models(installed: Path, services: Mapping[str, frozenset[str]]) -> None:
    """Leave in botocore's description of each service the operations that are called, and no prose. Raises `PackageError` where one of them is not there."""
    for service, operations in services.items():
        folder = installed / "botocore" / "data" / service
        for name in ("paginators-1.json", "waiters-2.json", "examples-1.json"):
            for file in folder.glob(f"*/{name}"):
                file.unlink()
        for file in folder.glob("*/service-2.json.gz"):
            model = trimmed_model(json.loads(gzip.decompress(file.read_bytes())), operations)
            # The time of a file would give the same sources another zip.
            file.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def trimmed_model(model: dict[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """Return a service's description with these operations alone, and with the shapes that they name. Raises `PackageError` where one is not there."""
    if missing := operations - model["operations"].keys():
        raise PackageError(f"botocore knows no {', '.join(sorted(missing))}: the authorizer calls what is not there")
    kept = {name: operation for name, operation in model["operations"].items() if name in operations}
    shapes: dict[str, Any] = {}
    to_visit = _shapes_in(kept)
    while to_visit:
        name = to_visit.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            to_visit |= _shapes_in(shapes[name])
    trimmed: dict[str, Any] = _without_prose(model | {"operations": kept, "shapes": {name: shapes[name] for name in sorted(shapes)}})
    return trimmed


def _shapes_in(value: Any) -> set[str]:
    """Return the names of shapes that a part of a description refers to: each reference is an object with `shape`."""
    if isinstance(value, list):
        return {name for part in value for name in _shapes_in(part)}
    if not isinstance(value, dict):
        return set()
    named = {value["shape"]} if isinstance(value.get("shape"), str) else set()
    return named | {name for part in value.values() for name in _shapes_in(part)}


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_prose(part) for name, part in value.items() if not (name == "documentation" and isinstance(part, str))}
    return [_without_prose(part) for part in value] if isinstance(value, list) else value


def write_authorities(installed: Path, package: str) -> None:
    """Write the file of those that vouch for AWS where the authorizer looks for it, in the folder of its package."""
    bundle = (installed / "botocore" / "cacert.pem").read_text(encoding="utf-8")
    target = installed / package / AUTHORITIES
    target.parent.mkdir(exist_ok=True)
    target.write_text(aws_authorities(bundle), encoding="ascii")


def aws_authorities(bundle: str) -> str:
    """Return the certificates of a bundle that vouch for AWS's own hosts, all in PEM. Raises `PackageError` where one of them is missing."""
    found: dict[object, str] = {}
    for certificate in re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", bundle, re.DOTALL):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=certificate)
        for authority in context.get_ca_certs():
            names: Any = authority["subject"]
            found |= {value: certificate for part in names for name, value in part if name == "commonName"}
    if missing := AWS_AUTHORITIES - found.keys():
        raise PackageError(f"botocore's bundle of authorities has no {', '.join(sorted(missing))}: AWS may have new ones")
    return "".join(found[name] for name in sorted(AWS_AUTHORITIES))


def _absent(purpose: str, *names: str) -> str:
    """Return a module whose functions are there to be imported and say, where one is called, what they are not packaged for."""
    body = [
        f'def {name}(*_arguments, **_named):\n    raise NotImplementedError("`{name}` is not in the authorizer\'s zip")\n' for name in names
    ]
    return "\n\n".join([f'"""Stands for {purpose}, which the authorizer never does."""\n', *body])


_SSH = (
    *("SSHCertificate", "SSHCertificateBuilder", "SSHCertificateType", "SSHCertPrivateKeyTypes", "SSHCertPublicKeyTypes"),
    *("SSHPrivateKeyTypes", "SSHPublicKeyTypes", "load_ssh_private_key", "load_ssh_public_identity", "load_ssh_public_key"),
    "ssh_key_fingerprint",
)

STAND_INS: Mapping[str, str] = {
    # python-jose would read a key from a certificate. Keys come as numbers, from a key set.
    "cryptography/x509/__init__.py": _absent("reading certificates", "load_pem_x509_certificate"),
    "cryptography/hazmat/primitives/serialization/ssh.py": _absent("reading and writing keys of SSH", *_SSH),
    # botocore gives each method of a client a docstring that is written when somebody reads it. Nobody does.
    "botocore/docs/__init__.py": _absent("writing botocore's documentation"),
    "botocore/docs/docstring.py": '"""Stands for writing the docstrings of clients, which are empty."""\n'
    + "".join(
        f'\n\ndef {name}(*_arguments, **_named):\n    return ""\n'
        for name in ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring")
    ),
    # It looks through all installed packages for one that speaks HTTP/2.
    "urllib3/http2/__init__.py": _absent("speaking HTTP/2"),
}
"""Modules in place of a package's own, by file."""

REPLACED = (
    *(
        f"cryptography/x509/{name}"
        for name in ("base", "certificate_transparency", "extensions", "general_name", "name", "ocsp", "oid", "verification")
    ),
    *("cryptography/hazmat/primitives/serialization/pkcs", "cryptography/hazmat/asn1/", "cryptography/hazmat/primitives/twofactor/"),
    *(
        f"botocore/docs/{name}"
        for name in ("bcdoc/", "client", "example", "method", "paginator", "params", "service", "shape", "sharedexample", "translator")
    ),
    *("botocore/docs/waiter", "urllib3/http2/connection", "urllib3/contrib/"),
)
"""What only the modules import that have a stand-in, as beginnings of names: it is left out with them."""


def put_stand_ins(installed: Path) -> None:
    """Write the stand-ins over what they stand for. Raises `PackageError` where that is not there any more."""
    for name, text in STAND_INS.items():
        if not (installed / name).is_file():
            raise PackageError(f"`{name}` is not there any more, so that nothing needs to stand for it")
        (installed / name).write_text(text, encoding="utf-8")

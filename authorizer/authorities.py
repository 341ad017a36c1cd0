"""Who vouches for AWS's own hosts: five authorities, which a zip holds in a file beside this module.

A bundle of all authorities that there are takes a cold start as long to read as all of the table's answers, and it is read for each of its two connections.
The five are those that Amazon Trust Services asks relying parties to hold (https://www.amazontrust.com/repository). They are trusted in place of the bundle
for Cognito and DynamoDB in the regions of AWS's public partition, which have certificates of theirs. China, GovCloud and all other issuers keep the bundle.
Where the five do not vouch for a host the bundle is asked, so that a new authority of AWS's is no outage. The five save time and narrow nothing.
"""

import re
from pathlib import Path

AUTHORITIES = "aws_authorities.pem"
"""Certificates of the five. `infra.package` takes them from botocore's bundle. Where nothing was packed there is none, and every host keeps the bundle."""

_REGION = r"(?!cn-)[a-z]{2}-[a-z]+-\d+"
_COGNITO = re.compile(rf"(?:issuer-)?cognito-idp\.{_REGION}\.amazonaws\.com")
_PUBLIC = re.compile(_REGION)


def aws_authorities(folder: Path = Path(__file__).parent) -> str | None:
    """Return the file with the five, or None where there is none. `folder` is where a zip has it."""
    file = folder / AUTHORITIES
    return str(file) if file.is_file() else None


def vouch_for_host(host: str) -> bool:
    """Return whether the five vouch for a host: for `cognito-idp.eu-west-1.amazonaws.com` they do, for `login.example.com` they need not."""
    return _COGNITO.fullmatch(host) is not None


def vouch_for_region(region: str) -> bool:
    """Return whether the five vouch for DynamoDB in a region: in `eu-west-1` they do, in `cn-north-1` and `us-gov-west-1` they need not."""
    return _PUBLIC.fullmatch(region) is not None

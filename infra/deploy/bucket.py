"""The bucket that functions are deployed from: checked, made if that is asked for, and filled under keys that carry a hash of their content."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.deploy.errors import TROUBLE, USAGE, DeployError
from infra.deploy.template import MAX_BODY_BYTES

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class CodeBucket:
    """A bucket by its name, asked through a client of the region that it has to be in. Only one of `account` counts: names are the whole world's."""

    client: "S3Client"
    name: str
    region: str
    account: str

    def exists(self) -> bool:
        """Return whether the bucket is there. Raises `DeployError` if it is in another region, or somebody else's."""
        try:
            answer: Any = self.client.head_bucket(Bucket=self.name, ExpectedBucketOwner=self.account)
        except ClientError as error:
            # The answer to HEAD has no body, so the status is all that there is.
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                return False
            if status in (301, 400):
                raise self._elsewhere("another region") from error
            if status == 403:
                raise DeployError(
                    f"bucket `{self.name}` is not open to these credentials: it belongs to another account than {self.account}, or they lack s3:ListBucket "
                    "for it. Name another bucket, or allow it",
                    TROUBLE,
                ) from error
            raise
        region = answer.get("BucketRegion") or self.region
        if region != self.region:
            raise self._elsewhere(region)
        return True

    def create(self) -> None:
        """Make the bucket: closed to the public, encrypted, versioned, for TLS alone. Raises `DeployError` if its name is taken."""
        location: Any = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        try:
            self.client.create_bucket(Bucket=self.name, **location)
        except ClientError as error:
            if error.response["Error"]["Code"] == "BucketAlreadyExists":
                raise DeployError(
                    f"the name `{self.name}` is taken by somebody else's bucket: choose another one for `bucket`", USAGE
                ) from error
            raise
        try:
            self._secure()
        except BaseException:
            # Better none than one that lacks a guard and would be used as it is next time.
            self.client.delete_bucket(Bucket=self.name)
            raise

    def put(self, archive: Path) -> bool:
        """Upload a zip under its name, which carries a hash of its content. Returns whether there was anything to upload."""
        if self._has(archive.name):
            return False
        with archive.open("rb") as content:
            self.client.put_object(Bucket=self.name, Key=archive.name, Body=content, ExpectedBucketOwner=self.account)
        return True

    def body_of(self, name: str, template: str) -> Mapping[str, str]:
        """Return a template as a change set takes it: as it is, or where it lies in the bucket if it is too large for that."""
        data = template.encode()
        if len(data) <= MAX_BODY_BYTES:
            return {"TemplateBody": template}
        key = f"{Path(name).stem}-{hashlib.sha256(data).hexdigest()[:16]}.yaml"
        if not self._has(key):
            self.client.put_object(Bucket=self.name, Key=key, Body=data, ExpectedBucketOwner=self.account)
        # Without credentials in the address: CloudFormation reads it as whoever makes the change set.
        url = self.client.generate_presigned_url("get_object", Params={"Bucket": self.name, "Key": key})
        return {"TemplateURL": url.partition("?")[0]}

    def _has(self, key: str) -> bool:
        try:
            self.client.head_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.account)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
                raise DeployError(
                    f"`{key}` in bucket `{self.name}` cannot be looked up: allow s3:GetObject and s3:ListBucket there", TROUBLE
                ) from error
            raise
        return True

    def _secure(self) -> None:
        partition = self.client.meta.partition
        arns = [f"arn:{partition}:s3:::{self.name}", f"arn:{partition}:s3:::{self.name}/*"]
        tls_only = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": arns,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }
        closed: Any = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
        self.client.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=closed)
        self.client.put_bucket_encryption(
            Bucket=self.name,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        )
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(tls_only))

    def _elsewhere(self, region: str) -> DeployError:
        return DeployError(
            f"bucket `{self.name}` is in {region}, and functions in {self.region} are deployed from a bucket of their own region: "
            "name one of that region as `bucket`, or give another name with --create-bucket",
            USAGE,
        )

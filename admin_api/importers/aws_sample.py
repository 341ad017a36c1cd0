"""Makes a document of the table of AWS's sample `amazon-cognito-api-gateway`: an item for each group, `group` and `policy`, which is an IAM policy as a map.

The sample's authorizer answers with the statements of all the groups of a token in one policy. Groups are united there as here, and a Deny of one group takes
from what the others allow, as a `deny` does: nobody in several groups gets more.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from admin_api.importers.aws_permissions import error_code, needs
from admin_api.importers.iam import Group, IamSource, Role, merged_access
from admin_api.importers.iam_document import SPELLINGS, IamImport, by_groups, parse_made, requests_of, selectors_for
from admin_api.importers.iam_policies import ApiArn, RouteWords
from admin_api.importers.iam_proof import merged_differences
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError, NotTaken, document_of
from authorizer.policy.route import RouteCatalog


def read_sample(client: Any, table: str) -> dict[str, Mapping[str, Any]]:
    """Return the policies of a table by their groups, the whole table read page by page. Raises `ImportSourceError`, `PermissionMissingError`, `ClientError`.

    Needs `dynamodb:Scan` on the table.
    """
    try:
        with needs("dynamodb:Scan", f"table {table}"):
            pages = list(client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True))
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise ImportSourceError(f"there is no table `{table}` in this account and region: correct its name, or give --region") from None
        raise
    read = TypeDeserializer().deserialize
    items = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
    if not items:
        raise ImportSourceError(f"table {table}: it has no items, so that there is nothing to import")
    policies = {}
    for item in items:
        group, policy = item.get("group"), item.get("policy")
        if not isinstance(group, str):
            raise ImportSourceError(f"table {table}: an item has no `group`, so that this is not the sample's table: name that one")
        # The sample joins lists, and answers with a deny where something else stands.
        if not isinstance(policy, Mapping) or not isinstance(policy.get("Statement"), list) or not isinstance(policy.get("Version"), str):
            raise ImportSourceError(
                f"table {table}, group {group}: `policy` must be a map with a text `Version` and a list `Statement`; the sample denies everything to the "
                "group's members: correct the item, or delete it"
            )
        policies[group] = policy
    return dict(sorted(policies.items()))


def document_of_sample(policies: Mapping[str, Mapping[str, Any]], api: ApiArn, found: FoundRoutes, name: str | None = None) -> IamImport:
    """Return a document with these routes and what the policies allow and deny of them. Raises `ImportSourceError`."""
    if not found.routes:
        raise ImportSourceError(f"{found.name}: there is no route in it: list every route of the API, as in `GET /pets`")
    # One version counts for the joined statements, that of any of them.
    latest = max(str(policy["Version"]) for policy in policies.values())
    policies = {group: {**policy, "Version": latest} for group, policy in policies.items()}
    catalog = RouteCatalog(route.route for route in found.routes)
    words = RouteWords(catalog, api)
    groups: dict[str, dict[str, list[str]]] = {}
    not_taken: list[NotTaken] = []
    for group, policy in policies.items():
        access = merged_access(f"group {group}", policy, words)
        entries = {"allow": selectors_for(access.allowed, catalog), "deny": selectors_for(access.denied, catalog)}
        groups[group] = {effect: selectors for effect, selectors in entries.items() if selectors}
        not_taken += access.not_taken
    base = document_of(found, name)
    document = {**base.document, "groups": groups}
    roles = {group: Role(group, (("policy", policy),)) for group, policy in policies.items()}
    source = IamSource(api, tuple(Group(group, role=group) for group in policies), roles)
    compared = tuple(merged_differences(source, parse_made(document)))
    wider = [
        NotTaken(
            f"group{'s' * (len(names) > 1)} {' + '.join(names)}",
            f"they may {requests_of(each)}, which the sample denies: take it out by hand",
        )
        for names, each in by_groups(compared, wider=True).items()
    ]
    notes = (*base.notes, SPELLINGS, *_narrower(by_groups(compared, wider=False).items()))
    return IamImport(Imported(document, (*base.not_taken, *not_taken, *wider), notes), compared)


def _narrower(found: Iterable[tuple[tuple[str, ...], Any]]) -> list[str]:
    return [f"group {names[0]}: the sample allows {requests_of(each)}, the document does not" for names, each in found]

"""Reads the folder of `gatebook import iam`: groups, policies of their roles, and what the identity pool does with them.

Its files are answers of the `aws` command as they are, or shorter ones written by hand; `docs/importing.md` shows both.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from admin_api.documents.files import read_file
from admin_api.importers.iam import Group, Pool, Role, Rule
from admin_api.importers.imported import ImportSourceError
from authorizer.policy.problems import DocumentError

ASSUMED_POOL = (
    "there is no identity-pool-roles.json: each group's own role counts, that of the lowest precedence where a person has several; "
    "rules of the identity pool would choose otherwise"
)


def read_groups(folder: Path) -> tuple[Group, ...]:
    """Return the groups of `groups.json` or `groups.yaml`: what `aws cognito-idp list-groups` answers, or a list of `{name, precedence, role}`."""
    path = next((folder / name for name in ("groups.json", "groups.yaml") if (folder / name).exists()), None)
    if path is None:
        raise ImportSourceError(f"{folder}: there is neither groups.json nor groups.yaml: list the groups with their roles")
    return groups_of(_read(path), str(path))


def groups_of(value: object, place: str) -> tuple[Group, ...]:
    """Return the groups of an answer of `list-groups`, or of a list of `{name, precedence, role}`. Raises `ImportSourceError`."""
    listed = value.get("Groups") if isinstance(value, Mapping) else value
    if not isinstance(listed, list) or not listed:
        raise ImportSourceError(f"{place}: it must be a list of groups, as in `[{{name: reader, precedence: 10, role: petstore-reader}}]`")
    groups = tuple(_read_group(each, f"{place}: entry {number}") for number, each in enumerate(listed, 1))
    names = [group.name for group in groups]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ImportSourceError(f"{place}: the group `{twice[0]}` stands twice: keep one")
    return groups


def _read_group(value: object, place: str) -> Group:
    if isinstance(value, Mapping):
        name, precedence, role = (value.get(key, value.get(key.lower())) for key in ("GroupName", "Precedence", "RoleArn"))
        name, role = value.get("name", name), value.get("role", role)
        numbered = precedence is None or (isinstance(precedence, int) and not isinstance(precedence, bool))
        if isinstance(name, str) and name and numbered and (role is None or isinstance(role, str)):
            return Group(name, precedence, _role_name(role) if role else None)
    raise ImportSourceError(f"{place}: a group is written as in `{{name: reader, precedence: 10, role: NAME}}`")


def _role_name(text: str) -> str:
    return text.rpartition("/")[2]


def read_roles(folder: Path) -> dict[str, Role]:
    """Return the roles of `roles/`: a folder of JSON files for each, or one file. `role.json`, the answer of `get-role`, tells of a permissions boundary."""
    place = folder / "roles"
    if not place.is_dir():
        raise ImportSourceError(f"{place}: there is no such folder: it has the policies of each role, as `roles/ROLE/POLICY.json`")
    roles = {}
    for path in sorted(place.iterdir()):
        if path.is_dir():
            roles[path.name] = Role(path.name, tuple(_policies(sorted(path.glob("*.json")))), _boundary(path / "role.json"))
        elif path.suffix == ".json":
            roles[path.stem] = Role(path.stem, tuple(_policies([path])))
    return roles


def _policies(paths: list[Path]) -> Iterator[tuple[str, Any]]:
    for path in paths:
        if path.name != "role.json":
            yield path.name, policy_of(_read(path), str(path))


def policy_of(value: object, place: str) -> Mapping[str, Any]:
    """Return the policy that an answer of `get-role-policy` or `get-policy-version` has in it, or that the value is."""
    if isinstance(value, Mapping):
        inner = value.get("PolicyVersion", value)
        found = inner.get("PolicyDocument", inner.get("Document", inner)) if isinstance(inner, Mapping) else inner
        if isinstance(found, Mapping) and "Statement" in found:
            return found
    raise ImportSourceError(
        f"{place}: this is no IAM policy: it must be the policy itself, or the answer of `get-role-policy` or `get-policy-version`"
    )


def _boundary(path: Path) -> str:
    return boundary_of(_read(path)) if path.exists() else ""


def boundary_of(value: object) -> str:
    """Return the permissions boundary that an answer of `get-role` tells of, `` if it tells of none."""
    role = value.get("Role", value) if isinstance(value, Mapping) else {}
    boundary = role.get("PermissionsBoundary") if isinstance(role, Mapping) else None
    return str(boundary.get("PermissionsBoundaryArn", "?") if isinstance(boundary, Mapping) else boundary) if boundary else ""


def read_pool(folder: Path) -> tuple[Pool, bool]:
    """Return how the identity pool chooses roles, and whether `identity-pool-roles.json` said so. Without it a person gets the role of the token."""
    path = folder / "identity-pool-roles.json"
    if not path.exists():
        return Pool(), False
    return pool_of(_read(path), str(path)), True


def pool_of(value: object, place: str) -> Pool:
    """Return what an answer of `get-identity-pool-roles` says. Raises `ImportSourceError`."""
    if not isinstance(value, Mapping):
        raise ImportSourceError(f"{place}: this is no answer of `aws cognito-identity get-identity-pool-roles`")
    mappings = value.get("RoleMappings") or {}
    default = (value.get("Roles") or {}).get("authenticated")
    fallback = _role_name(default) if isinstance(default, str) else None
    if len(mappings) > 1:
        raise ImportSourceError(
            f"{place}: it maps roles for {len(mappings)} identity providers: keep the one of the user pool whose groups these are"
        )
    if not mappings:
        # Without a mapping everybody gets the one role.
        return Pool(by_rules=True, fallback=fallback)
    mapping = next(iter(mappings.values()))
    if mapping.get("AmbiguousRoleResolution") != "AuthenticatedRole":
        fallback = None
    if mapping.get("Type") == "Token":
        return Pool(fallback=fallback)
    try:
        rules = tuple(
            Rule(r["Claim"], r["MatchType"], r["Value"], _role_name(r["RoleARN"])) for r in mapping["RulesConfiguration"]["Rules"]
        )
    except (KeyError, TypeError):
        raise ImportSourceError(f"{place}: a rule needs `Claim`, `MatchType`, `Value` and `RoleARN`") from None
    return Pool(rules, by_rules=True, fallback=fallback)


def read_tags(folder: Path) -> dict[str, str]:
    """Return the policy variables that `principal-tags.json` maps to claims: `{"PrincipalTags": {"org": "custom:org"}}` -> `aws:PrincipalTag/org`."""
    path = folder / "principal-tags.json"
    if not path.exists():
        return {}
    return tags_of(_read(path), str(path))


def tags_of(value: object, place: str) -> dict[str, str]:
    """Return the policy variables that an answer of `get-principal-tag-attribute-map` maps to claims. Raises `ImportSourceError`."""
    tags = value.get("PrincipalTags") if isinstance(value, Mapping) else None
    if not isinstance(tags, Mapping):
        raise ImportSourceError(f"{place}: this is no answer of `aws cognito-identity get-principal-tag-attribute-map`")
    return {f"aws:PrincipalTag/{tag}": str(claim) for tag, claim in tags.items()}


def claims_of(pairs: Iterable[str]) -> dict[str, str]:
    """Return the claims that policy variables stand for: `aws:PrincipalTag/org=custom:org`. Raises `ImportSourceError`."""
    result = {}
    for text in pairs:
        variable, equals, claim = text.strip("${}").partition("=")
        if not equals or not variable or not claim:
            raise ImportSourceError(f"`{text}` names no claim of a variable: write `--claim aws:PrincipalTag/org=custom:org`")
        result[variable.rstrip("}")] = claim
    return result


def read_combinations(path: Path) -> list[tuple[str, ...]]:
    """Return groups that people have together: `[[reader, keeper], [reader, auditor]]`. Raises `ImportSourceError`."""
    value = _read(path)
    if not isinstance(value, list) or not all(
        isinstance(each, list) and each and all(isinstance(name, str) for name in each) for each in value
    ):
        raise ImportSourceError(f"{path}: it must be a list of lists of groups, as in `[[reader, keeper], [reader, auditor]]`")
    return [tuple(each) for each in value]


def _read(path: Path) -> Any:
    try:
        document, *others = read_file(path)
    except DocumentError as error:
        raise ImportSourceError(f"{path}: {error.problems[0].message}") from None
    if others or document.problems:
        raise ImportSourceError(f"{path}: {document.problems[0].message if document.problems else 'it holds several documents: keep one'}")
    return document.value

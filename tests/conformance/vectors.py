"""Reads vectors: each file of a folder under `tests/vectors` is one case, and a new case is a new file."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from admin_api.documents.files import read_file
from authorizer.policy.decision import Grounds
from authorizer.policy.document import parse_document
from authorizer.policy.permission import Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions

VECTORS = Path(__file__).parent.parent / "vectors"


def names(folder: str) -> list[str]:
    """The cases of a folder, never none."""
    found = sorted(path.stem for path in (VECTORS / folder).glob("*.yaml"))
    if not found:
        raise FileNotFoundError(f"no vectors in {folder}")
    return found


def read(folder: str, name: str) -> dict[str, Any]:
    """One case. Its text must say each thing once."""
    [vector] = read_file(VECTORS / folder / f"{name}.yaml")
    assert isinstance(vector.value, dict)
    assert not vector.problems, vector.problems
    assert vector.value["description"]
    return vector.value


def grounds(vector: dict[str, Any]) -> Grounds:
    """What a case decides upon: `refs` (`everyone` where it does not say), `claims` and `now`, over its document.

    `through` is a client that the document has as delegated, and `scopes` are what its token says.
    """
    document = parse_document(vector["document"])
    refs = [PrincipalRef(RefKind(kind), name) for kind, _, name in (ref.partition("/") for ref in vector.get("refs", ["everyone"]))]
    permissions = tuple(p for ref in refs for p in document.permissions(ref))
    held: Collection[Permission] = permissions
    if "through" in vector:
        client = document.subjects[PrincipalRef(RefKind.CLIENT, vector["through"])]
        assert client.delegated
        denies = [p for p in client.permissions if p.effect is Effect.DENY]
        scopes = [PrincipalRef(RefKind.SCOPE, name) for name in vector["scopes"]]
        held = CallerPermissions.of(permissions, [*denies, *(p for ref in scopes for p in document.permissions(ref))])
    return Grounds(held, document.catalog, vector.get("claims", {}), vector.get("now", 0))

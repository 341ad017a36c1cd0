"""Callers and documents that stand in for verifier and permission cache in the properties of caches."""

from dataclasses import dataclass, field
from typing import Any

from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.table.cache import LoadedPermissions
from authorizer.tokens.claims import Principal
from tests.support.random_apis import OWNER, START

USERS: dict[str, tuple[list[str], dict[str, str]]] = {
    "t1": (["g1"], {"sub": OWNER, "username": "bob-2"}),
    "t2": (["g2"], {"sub": "bob-2", "username": "me"}),
    "t3": ([], {"sub": "a/b", "username": OWNER}),
    "t4": (["g1", "g2", "unknown"], {"sub": "7"}),
}


@dataclass(slots=True)
class World:
    """What the stand-ins of verifier and permission cache serve from: the newest document and the time. `narrowed` is what the last answer said of itself."""

    now: float = START
    version: int = 0
    narrowed: str | None = None
    documents: list[dict[str, Any]] = field(default_factory=list)
    parsed: list[PermissionDocument] = field(default_factory=list)

    def publish(self, document: dict[str, Any]) -> None:
        self.documents.append(document)
        self.parsed.append(parse_document(document))
        self.version = len(self.documents) - 1

    def verify(self, token: str) -> Principal:
        groups, claims = USERS[token]
        refs = (EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in groups))
        return Principal(
            subject=claims["sub"],
            refs=refs,
            claims=claims,
            groups=tuple(groups),
            issuer="https://issuer.example",
            client_id="client",
            jti=None,
            origin_jti=None,
            issued_at=None,
            auth_time=None,
            expires_at=START + 50,
        )

    def load(self, refs: tuple[PrincipalRef, ...], consent: tuple[PrincipalRef, ...] = ()) -> LoadedPermissions:
        document = self.parsed[self.version]
        permissions = CallerPermissions.of(p for ref in refs for p in document.permissions(ref))
        return LoadedPermissions(self.version, str(self.version), document.catalog, permissions, cached=True, stale=False)

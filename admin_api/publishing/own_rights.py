"""What the caller of the admin API may do there, so that a page need not offer what would be refused. A hint: the authorizer decides about each request."""

from admin_api.publishing.lockout import Actor
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import PermissionDocument
from authorizer.policy.request_path import resolve


def may_edit(admin_document: PermissionDocument, actor: Actor, api: str, now: float) -> bool:
    """Return whether the admin API's own permissions let `actor` change the document of `api`. Permissions with `where` count as none."""
    held = [permission for ref in actor.refs for permission in admin_document.permissions(ref)]
    grounds = Grounds(held, admin_document.catalog, {}, now)
    return decide(grounds, resolve(admin_document.catalog, "PATCH", f"v1/apis/{api}/document", None, exact=True)).allowed

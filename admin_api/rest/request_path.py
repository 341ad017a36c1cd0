"""The path that a request is for, below whatever a custom domain puts before it."""

from collections.abc import Mapping
from typing import Any


def requested_path(event: Mapping[str, Any]) -> str:
    """Return the path as the API's own routes spell it: `/admin/v1/apis` behind a mapping of `admin`, served by `/v1/{proxy+}` -> `/v1/apis`.

    The `path` of a REST API's event carries the base path of a custom domain, of one level or several ("API mappings", developer guide), while `resource` is
    the route that the gateway took. What the greedy parameter holds says how many segments are the route's own, so that a base path of `v1` is told from the
    `v1` of the routes.
    """
    path, resource = str(event.get("path") or "/"), event.get("resource")
    if not isinstance(resource, str) or not resource.startswith("/"):
        return path
    proxy = (event.get("pathParameters") or {}).get("proxy")
    literal, parameter, _ = resource.partition("{")
    tail = str(proxy) if parameter else ""
    if parameter and not isinstance(proxy, str):
        return path
    end = "/" if path.endswith("/") and not tail.endswith("/") and path != "/" else ""
    segments = path.removesuffix(end).split("/")[-literal.count("/") - tail.count("/") :]
    own = "/" + "/".join(segments)
    # An emulator that tells the parameter decoded counts other segments: then nothing is taken away.
    return own + end if own.startswith(literal) else path

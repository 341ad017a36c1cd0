"""Whether browsers call an API from pages of other origins, as far as its routes tell."""

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment

PREFLIGHT = "OPTIONS"
"""The method by which a browser asks whether it may send a request, never with the token (Fetch standard, "CORS protocol")."""


def serves_browsers(deployment: Deployment) -> bool:
    """Return whether somebody prepared the API for browsers: by a route for `OPTIONS`, guarded or not, or by an HTTP API's CORS configuration."""
    return bool(deployment.cors) or any(each.route.method == PREFLIGHT for each in deployment.routes.routes)


def open_preflights(deployment: Deployment) -> frozenset[object]:
    """Return the shapes of the paths whose `OPTIONS` is served without a token."""
    unguarded = (Guard.NONE, Guard.OPEN)
    return frozenset(each.route.shape for each in deployment.routes.routes if each.route.method == PREFLIGHT and each.guard in unguarded)

"""Permission documents of any size, laid out as those of real APIs are: services with resources, and teams that may use some of them."""

from typing import Any

_VERBS = ("GET", "POST", "PUT", "DELETE")


def large_document(routes: int, groups: int, each: int, api: str = "large") -> dict[str, Any]:
    """Return a document of so many routes and groups of which each has so many allows, a tenth of them bound to a claim, and one deny.

    Nine groups of ten inherit from the tenth. All routes differ, and so do the groups.
    """
    names = [f"{_VERBS[n % 4]} /service{n // 40}/resource{n // 4}/{{id}}" for n in range(routes)]

    def group(number: int) -> dict[str, Any]:
        chosen = [names[(37 * number + 7 * n) % routes] for n in range(each)]
        allows = [{"route": route, "where": {"id": "sub"}} if n % 10 == 0 else route for n, route in enumerate(chosen)]
        parents = {"inherits": [f"team-{number - number % 10:03}"]} if number % 10 else {}
        return {**parents, "allow": allows, "deny": [names[11 * number % routes]]}

    held = {f"team-{number:03}": group(number) for number in range(groups)}
    return {"api": api, "routes": names, "everyone": {"allow": ["GET /service0/**"]}, "groups": held}

"""What the catalogue finds by walking its tree is what looking at each of its routes by itself finds. The other side is written from the notation alone."""

import os
from random import Random

import pytest

from authorizer.policy.route import RouteCatalog, RouteSyntaxError, parse_route, parse_selector

VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
WORDS = ("a", "b", "c", "{x}", "{y}", "{x:1}")
TRIES = 400 if os.environ.get("CI") else 100
SEED = os.environ.get("GATEBOOK_SEED")

Parts = tuple[str, ...]


def parts_of(route: str) -> tuple[str, Parts]:
    """`GET /a/{x}` as `GET` and `("a", "{x}")`."""
    method, path = route.split(" ", 1)
    return method, tuple(path.strip("/").split("/")) if path.strip("/") else ()


def verbs_of(method: str) -> tuple[str, ...]:
    return VERBS if method in ("ANY", "*") else (method,)


def shape_of(parts: Parts) -> Parts:
    return tuple(part if part[0] != "{" else "{+}" if part.endswith("+}") else "{}" for part in parts)


def random_routes(random: Random) -> list[str]:
    """Routes of which no two are one to API Gateway."""
    chosen: dict[tuple[str, Parts], str] = {}
    for _ in range(random.randint(1, 14)):
        parts = [random.choice(WORDS) for _ in range(random.randint(0, 3))]
        parts += [random.choice(("{p+}", "{q+}"))] if random.random() < 0.3 else []
        route = f"{random.choice(('GET', 'POST', 'ANY'))} /{'/'.join(parts)}"
        try:
            parse_route(route)
        except RouteSyntaxError:
            continue
        chosen.setdefault((route.split(" ", maxsplit=1)[0], shape_of(tuple(parts))), route)
    return [*chosen.values(), *(["WS a", "WS $connect"] if random.random() < 0.3 else [])]


def is_meant(selector: str, verb: str, route: str) -> bool:
    """By docs/permissions.md: `*` is one segment, `**` at the end whatever follows, everything else is itself."""
    wanted, pattern = parts_of(selector)
    method, parts = parts_of(route)
    if (method == "WS") != (wanted == "WS"):
        return False
    if method == "WS":
        return pattern in (("*",), parts)
    if verb not in verbs_of(wanted) or verb not in verbs_of(method):
        return False
    more = pattern[-1:] == ("**",)
    pattern = pattern[:-1] if more else pattern
    if len(parts) < len(pattern) or (not more and len(parts) != len(pattern)):
        return False
    return all((want == "*" and not part.endswith("+}")) or want == part for want, part in zip(pattern, parts, strict=False))


def meets(parts: Parts, other: Parts) -> bool:
    """Whether both may stand for the same segments, one by one."""
    return all(a == b or a[0] == "{" or b[0] == "{" for a, b in zip(parts, other, strict=False))


def takes(route: Parts, path: Parts) -> bool:
    """Whether these segments may be a request of the route after a value was decoded."""
    if not route or not path:
        return not route and not path
    if route[0][0] != "{":
        return route[0] == path[0] and takes(route[1:], path[1:])
    return any(takes(route[1:], path[count:]) for count in range(1, len(path) + 1))


@pytest.mark.parametrize("number", range(TRIES))
def test_walking_the_tree_finds_what_looking_at_each_route_finds(number: int) -> None:
    seed = f"{SEED or 'catalogue'} {number}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    routes = random_routes(random)
    catalog = RouteCatalog(parse_route(route) for route in routes)
    ordered = [str(route) for route in catalog.routes]
    assert sorted(ordered) == sorted(routes)
    served: dict[tuple[str, Parts], str] = {}
    for method in ("ANY", *VERBS):
        # The verb's own route takes a place after that of ANY.
        mine = [route for route in routes if parts_of(route)[0] == method]
        served |= {(verb, shape_of(parts_of(route)[1])): route for route in mine for verb in verbs_of(method)}
    for _ in range(20):
        wanted = [random.choice((*WORDS, "*", "*")) for _ in range(random.randint(0, 3))]
        wanted += [random.choice(("**", "{p+}"))] if random.random() < 0.4 else []
        selector = (
            random.choice(("WS *", "WS a"))
            if random.random() < 0.1
            else f"{random.choice(('GET', '*', 'POST', 'ANY'))} /{'/'.join(wanted)}"
        )
        try:
            parsed = parse_selector(selector)
        except RouteSyntaxError:
            continue
        verbs = ("WS",) if selector.startswith("WS") else VERBS
        assert [str(r) for r in catalog.select(parsed)] == [r for r in ordered if any(is_meant(selector, verb, r) for verb in verbs)], (
            selector
        )
        cells = [(verb, r) for r in ordered for verb in verbs if is_meant(selector, verb, r)]
        cells = [(verb, r) for verb, r in cells if verb == "WS" or served[verb, shape_of(parts_of(r)[1])] == r]
        assert [(verb, str(r)) for verb, r in catalog.cells_of(selector)] == cells, selector
    for _ in range(10):
        fixed = tuple(random.choice(WORDS) for _ in range(random.randint(0, 3)))
        path = "/" + "/".join((*fixed, "{p+}"))
        for verb in ("GET", "POST", "DELETE"):
            try:
                parse_route(f"GET {path}")
            except RouteSyntaxError:
                continue
            below = [
                r
                for r in ordered
                for method, parts in [parts_of(r)]
                if method != "WS"
                and verb in verbs_of(method)
                and len(parts) > len(fixed)
                and meets(fixed, parts)
                and shape_of(parts) != shape_of((*fixed, "{p+}"))
            ]
            assert [str(r) for r in catalog.below(path, verb)] == below, path
            assert catalog.covers_others(path, verb) is bool(below), path
        asked = tuple(random.choice(("a", "b", "c", "7")) for _ in range(random.randint(1, 5)))
        fitting = {served[verb, shape] for verb, shape in served if verb == "GET" and takes(parts_of(served[verb, shape])[1], asked)}
        assert {str(r) for r in catalog.match_decoded("GET", asked)} == fitting, asked
    for route in catalog.routes:
        _, parts = parts_of(str(route))
        expected = {
            part.strip("{}+"): {
                other[index]
                for r in routes
                for method, other in [parts_of(r)]
                if method != "WS" and len(other) > index and other[index][0] != "{" and meets(parts[:index], other[:index])
            }
            for index, part in enumerate(parts)
            if part[0] == "{" and route.method != "WS"
        }
        assert dict(catalog.reserved_words(route)) == expected, str(route)

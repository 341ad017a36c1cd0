"""Measures policies for whole callers over the catalogues of real APIs, and writes the page about it.

`python -m tests.performance.token_scope_report --catalogues FOLDER --out docs/token-scope.md`; the folder is that of `GATEBOOK_CATALOGS` if none is
named, and the page goes to standard output if no file is.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.performance import token_scope_tables as tables
from tests.performance.permission_sets import Api, read_apis
from tests.performance.token_scope_measures import Measure, measures
from tests.performance.token_scope_scaling import PATIENCE, Point, Series, real_series, synthetic_series

TARGET_ROUTES, TARGET_NEW, TARGET_KNOWN = 300, 0.025, 0.002


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the page. The exit code is 2 if there is nothing to measure."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.performance.token_scope_report", description="Measure policies for whole callers."
    )
    parser.add_argument(
        "--catalogues", type=Path, default=os.environ.get("GATEBOOK_CATALOGS"), help="folder of JSON lists of [method, path]"
    )
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args(arguments)
    apis = read_apis(options.catalogues) if options.catalogues is not None and options.catalogues.is_dir() else []
    if not apis:
        sys.stderr.write("no catalogues: name a folder with --catalogues or GATEBOOK_CATALOGS\n")
        return 2
    page = report(apis, _measured(apis), _curves([*real_series(apis), *synthetic_series()]))
    if options.out is None:
        sys.stdout.write(page)
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, "utf-8")
    return 0


def _measured(apis: Sequence[Api]) -> list[Measure]:
    found: list[Measure] = []
    for api in apis:
        sys.stderr.write(f"{api.name}: {len(api.routes)} routes\n")
        found += measures(api)
    return found


def _curves(series: Sequence[Series]) -> list[tuple[Series, list[Point]]]:
    result = []
    for one in series:
        sys.stderr.write(f"growth: {one.name}, {one.allowed}\n")
        result.append((one, list(one.points())))
    return result


def report(apis: Sequence[Api], found: Sequence[Measure], curves: tables.Curves) -> str:
    """The page. Raises `AssertionError` if a policy is larger than the listing where both are right."""
    names = ", ".join(api.name for api in apis)
    left_out = [f"`{route}` of {api.name}" for api in apis for route in api.left_out]
    sections = (
        f"""# What one cached policy can say

For: whoever wants to use `token` scope.

In `token` scope API Gateway keeps one answer for each token, so one policy has to be right for every route. Whether there is such
a policy depends on the routes and on what is allowed. This page measures it over {len(apis)} public APIs
({names}; {sum(len(api.routes) for api in apis):,} routes)
and {len(found):,} permission sets. A script writes it, whole:

```
GATEBOOK_CATALOGS=FOLDER python -m tests.performance.token_scope_report --out docs/token-scope.md
```

The folder holds one `NAME.json` for each API, a list such as `[["GET", "/pets/{{petId}}"], ...]`. The permission sets are random
but the same in every run; only the times differ. {_left_out(left_out)}""",
        _method(),
        f"## Which sets can be said\n\n{tables.expressible(found)}\n\n{_by_depth(found)}",
        f"""## What the usual listing opens

The listing gives each allowed route one Resource with `*` for every parameter, as samples and blueprints do. A forbidden route is
opened if some request for it gets through; the share is that of a set, averaged over the sets.

{tables.opened(found)}""",
        f"## API by API\n\nHalf of the routes allowed, chosen at random.\n\n{tables.by_api(apis, found)}",
        f"## Size\n\nBytes of the JSON with an ARN of usual length.\n\n{tables.sizes(found)}\n\n{_sizes(found)}",
        f"## Beside an earlier measurement\n\n{_differences()}\n\n{tables.beside_earlier(found)}",
        f"""## Growth

Calls of functions of `authorizer/policy` for one answer about a catalogue that is new to the process, and by what factor they
grow for twice the routes: 2 is linear, 4 quadratic. A series ends with the first answer that takes more than {PATIENCE:.0f} seconds.

{tables.growth(curves)}""",
        f"## Times\n\n{_targets(curves)}\n\n{tables.times(curves)}\n\nFor the permission sets above, medians:\n\n{tables.compile_times(found)}",
    )
    return "\n\n".join(sections) + "\n"


def _left_out(routes: Sequence[str]) -> str:
    return f"Left out, since API Gateway could not have it: {', '.join(routes)}." if routes else ""


def _method() -> str:
    return """## What is measured

- Every set is compiled without guards (Allows alone) and with them, as one policy for the whole API and as one for each path
  depth: the routes of each number of segments behind an authorizer of their own, greedy routes behind another.
- Whether there is a policy is found out twice, by the compiler and by a slow search over concrete paths that shares no code with
  it; the script fails if they differ. A set that can be said may still need a policy that is too large: see the section on size.
- *prefix*: all routes at and below the first segments of some template, parameters among them or not. *tag*: all routes with the
  same first literal segment, after what nearly all paths of the API start with. *write*: every verb.
- An answer is the decision about the requested route and the policy for all routes, without guards, with one permission for each
  allowed route. For a new catalogue it includes all that is found out about the catalogue and then kept. Times are processor time."""


def _by_depth(found: Sequence[Measure]) -> str:
    rest = sorted({m.api for m in found if not all(part.guards_do for part in m.parts)})
    if not rest:
        return "With one authorizer for each path depth, and guards, every set can be said."
    return f"With one authorizer for each path depth, and guards, every set can be said, except some of {' and '.join(rest)}."


def _sizes(found: Sequence[Measure]) -> str:
    pairs = [(m.whole, m.our_bytes, m.listing_bytes) for m in found if m.our_bytes is not None]
    right = [(ours, listed) for judged, ours, listed in pairs if judged.is_listing_right]
    larger = sum(ours > listed for ours, listed in right)
    assert not larger, f"{larger} policies are larger than a listing that is right"
    plain = [ours - listed for judged, ours, listed in pairs if judged.allows_do and not judged.is_listing_right and ours > listed]
    extra = f", by {median(plain):,.0f} bytes in the median" if plain else ""
    smaller, equal = sum(ours < listed for ours, listed in right), sum(ours == listed for ours, listed in right)
    return f"""Where both are right the policy is never larger. In {len(right):,} sets the listing opens nothing, however a path is spelt; there
the policy is smaller in {smaller:,} and equal in {equal:,}. In {len(plain):,} further sets it is larger{extra}: the
listing is right for paths in their plain spelling only, as `GET/pets/*` also lets `/pets/` pass, which `/pets` serves. Where the
listing opens more, the policy may be larger by its guards."""


def _differences() -> str:
    return """A prototype of the compiler was measured over fifteen APIs: these and GitHub, Kubernetes, Okta, Stripe and a second petstore. The
first number is the prototype's, the second is today's. The shape is the same: where half of the routes or more are chosen at
random about a third of the sets can be said, nearly all sets with a plain meaning can with guards, and the listing opens a good
fifth of the forbidden routes where half are allowed. What differs:

- The five missing APIs held more than half of the routes, and most of them are deep and entangled. Without them more sets can be
  said, and the listing opens less.
- Subtrees are drawn from all prefixes here, so that many lie below a parameter. Those are the ones that Allows alone fail at: for
  prefixes without parameters the share is above the prototype's.
- The subtree of *all but a subtree* is mostly small here, so that one opened route is a large part of what is forbidden.
- Tags are first literal segments here, which keeps subtrees whole. How the prototype cut its tags is not recorded; its shares for
  them are nearer to those of random sets.
- Policies now also stand against doubled and encoded slashes. That costs bytes, never a set."""


def _targets(curves: tables.Curves) -> str:
    lines = [
        f"The aim for {TARGET_ROUTES} routes is {TARGET_NEW * 1000:.0f} ms for a new catalogue and {TARGET_KNOWN * 1000:.0f} ms for a known one."
    ]
    for series, points in curves:
        for point in points:
            if point.routes == TARGET_ROUTES:
                new = "met" if point.cold <= TARGET_NEW else "missed"
                known = "met" if point.warm <= TARGET_KNOWN else "missed"
                measured = f"{tables.milliseconds(point.cold)} ({new}) and {tables.milliseconds(point.warm)} ({known})"
                lines.append(f"- {series.name}, {series.allowed}: {measured}")
    return "\n".join([lines[0], "", *lines[1:]])


if __name__ == "__main__":
    sys.exit(main())

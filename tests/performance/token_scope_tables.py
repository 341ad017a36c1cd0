"""The measurements of `token` scope as tables in Markdown, one row for each kind of permission set and one for all."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median

from authorizer.policy.iam.statement import MAX_POLICY_BYTES
from tests.performance.permission_sets import KINDS, RANDOM_KINDS, Api, by_depth
from tests.performance.token_scope_measures import Measure
from tests.performance.token_scope_scaling import Point, Series, per_doubling

EARLIER = {
    "random 10 %": (20.4, 59.6, 11.7),
    "random 50 %": (16.8, 29.6, 27.0),
    "random 90 %": (18.6, 27.4, 37.6),
    "all GET": (100, 100, 0),
    "prefix subtree": (88.3, 94.6, 0.1),
    "all but a subtree": (79.1, 90.0, 15.5),
    "prefix, GET only": (86.1, 93.6, 0.1),
    "one tag": (59.5, 93.7, 2.3),
    "30 % of the tags": (22.2, 48.3, 14.6),
    "all GET + write in 20 % of the tags": (41.1, 72.8, 7.5),
}
"""Of an earlier prototype over fifteen APIs, in percent: sets that Allows alone can say, sets that guards can say, forbidden routes that the listing opens."""

Curves = Sequence[tuple[Series, Sequence[Point]]]


def expressible(measures: Sequence[Measure]) -> str:
    """Which share of the sets one policy can say, and one policy for each path depth."""
    return _by_kind(
        measures,
        ("Allows alone", "with guards", "per depth, Allows alone", "per depth, with guards"),
        lambda found: (
            share(m.whole.allows_do for m in found),
            share(m.whole.guards_do for m in found),
            share(all(part.allows_do for part in m.parts) for m in found),
            share(all(part.guards_do for part in m.parts) for m in found),
        ),
    )


def opened(measures: Sequence[Measure]) -> str:
    """What the listing opens."""
    return _by_kind(
        measures,
        ("sets with a forbidden route opened", "forbidden routes opened", "the same, per depth"),
        lambda found: (
            share(m.whole.opened > 0 for m in found),
            share(m.whole.opened / m.forbidden for m in found if m.forbidden),
            share(m.opened_by_depth / m.forbidden for m in found if m.forbidden),
        ),
    )


def sizes(measures: Sequence[Measure]) -> str:
    """Bytes of the policies beside those of the listing, where there is a policy."""

    def row(found: Sequence[Measure]) -> tuple[str, ...]:
        pairs = [(m.our_bytes, m.listing_bytes) for m in found if m.our_bytes is not None]
        ours, listed = sum(size for size, _ in pairs), sum(size for _, size in pairs)
        fitting = sum(m.listing_bytes <= MAX_POLICY_BYTES for m in found if m.whole.guards_do)
        of = sum(m.whole.guards_do for m in found)
        middle = [f"{median(column):,.0f}" for column in zip(*pairs, strict=True)] or ["-", "-"]
        return f"{of:,}", *middle, f"{ours / listed:.0%}" if listed else "-", f"{fitting:,} -> {len(pairs):,}"

    header = (
        "sets that can be said",
        "ours, median",
        "listing, median",
        "ours / listing, all bytes",
        f"within {MAX_POLICY_BYTES:,}: listing -> ours",
    )
    return _by_kind(measures, header, row)


def compile_times(measures: Sequence[Measure]) -> str:
    """Medians of the processor time for one answer."""
    return _by_kind(
        measures,
        ("new catalogue", "known catalogue"),
        lambda found: (milliseconds(median(m.cold for m in found)), milliseconds(median(m.warm for m in found))),
    )


def by_api(apis: Sequence[Api], measures: Sequence[Measure]) -> str:
    """The APIs, and what becomes of half of their routes, chosen at random."""
    rows = []
    for api in apis:
        found = [m for m in measures if m.api == api.name and m.kind == "random 50 %"]
        routes = (api.name, str(len(api.routes)), str(len(by_depth(api.routes))))
        shares = (share(m.whole.guards_do for m in found), share(all(part.guards_do for part in m.parts) for m in found))
        rows.append((*routes, *shares, share(m.whole.opened / m.forbidden for m in found if m.forbidden)))
    return table(("API", "routes", "depths", "with guards", "per depth, with guards", "forbidden routes that the listing opens"), rows)


def beside_earlier(measures: Sequence[Measure]) -> str:
    """The shares of an earlier prototype, each with that of today."""
    rows = []
    for kind, earlier in EARLIER.items():
        found = [m for m in measures if m.kind == kind]
        now = (
            share(m.whole.allows_do for m in found),
            share(m.whole.guards_do for m in found),
            share(m.whole.opened / m.forbidden for m in found if m.forbidden),
        )
        rows.append((kind, *(f"{before:.1f} -> {after}" for before, after in zip(earlier, now, strict=True))))
    return table(("permission set", "Allows alone", "with guards", "forbidden routes that the listing opens"), rows)


def growth(curves: Curves) -> str:
    """Ratios that no machine changes much: calls, and by what factor they grow for twice the routes."""
    return _by_size(curves, ("calls, new catalogue", "per doubling"), lambda p: (f"{p.calls:,}",), lambda p: (p.calls,))


def times(curves: Curves) -> str:
    """Processor times, and by what factor they grow for twice the routes."""
    return _by_size(
        curves,
        ("new catalogue", "known catalogue", "per doubling, new", "per doubling, known"),
        lambda p: (milliseconds(p.cold), milliseconds(p.warm)),
        lambda p: (p.cold, p.warm),
    )


def share(values: Iterable[float]) -> str:
    """A mean as percent."""
    found = list(values)
    return f"{100 * fmean(found):.1f} %" if found else "-"


def milliseconds(seconds: float) -> str:
    """A time in a form that fits short and long ones."""
    return f"{1000 * seconds:,.2f} ms" if seconds < 0.01 else f"{1000 * seconds:,.0f} ms"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _by_kind(measures: Sequence[Measure], header: Sequence[str], row: Callable[[Sequence[Measure]], Sequence[str]]) -> str:
    groups = [(kind, [m for m in measures if m.kind == kind]) for kind in KINDS]
    groups.append(("**all but the random ones**", [m for m in measures if m.kind not in RANDOM_KINDS]))
    groups.append(("**all**", list(measures)))
    return table(("permission set", "sets", *header), [(kind, f"{len(found):,}", *row(found)) for kind, found in groups if found])


def _by_size(
    curves: Curves, header: Sequence[str], cells: Callable[[Point], Sequence[str]], costs: Callable[[Point], Sequence[float]]
) -> str:
    rows = []
    for series, points in curves:
        before: Point | None = None
        for point in points:
            factors = ["-"] * len(costs(point))
            if before is not None:
                pairs = zip(costs(before), costs(point), strict=True)
                factors = [f"{per_doubling((before.routes, old), (point.routes, new)):.2f}" for old, new in pairs]
            rows.append((series.name, series.allowed, f"{point.routes:,}", *cells(point), *factors))
            before = point
    return table(("catalogue", "allowed", "routes", *header), rows)

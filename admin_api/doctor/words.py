"""Words that findings share."""

from collections.abc import Iterable

_MAX_NAMED = 5


def named(names: Iterable[object]) -> str:
    """Return names as a text, each once and no more than five: ```GET /pets`, `GET /owners` and 3 more``."""
    distinct = list(dict.fromkeys(map(str, names)))
    more = f" and {len(distinct) - _MAX_NAMED} more" if len(distinct) > _MAX_NAMED else ""
    return ", ".join(f"`{name}`" for name in distinct[:_MAX_NAMED]) + more

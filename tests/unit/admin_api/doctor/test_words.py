"""How findings list names."""

import pytest

from admin_api.doctor.words import named


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["GET /a"], "`GET /a`"),
        (["a", "b", "a"], "`a`, `b`"),
        (list("abcde"), "`a`, `b`, `c`, `d`, `e`"),
        (list("abcdefg"), "`a`, `b`, `c`, `d`, `e` and 2 more"),
    ],
)
def test_names_are_listed_once_and_not_endlessly(names: list[str], text: str) -> None:
    assert named(names) == text

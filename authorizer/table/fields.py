"""Attributes of items whose text must have a form. Each raises `ValueError` for what has another one: the item is at fault then, not the caller."""


def text_of(value: object) -> str:
    """Return a text that must be there: `"abc"` -> `"abc"`, None -> `ValueError`."""
    if not isinstance(value, str):
        raise ValueError("an attribute is missing or not text")  # noqa: TRY004  # the item is at fault, not the caller
    return value


def list_of(value: object) -> list[object]:
    """Return a list that must be there: `[1]` -> `[1]`, `"abc"` -> `ValueError`."""
    if not isinstance(value, list):
        raise ValueError("an attribute does not hold a list")  # noqa: TRY004  # the item is at fault, not the caller
    return value


def texts_of(value: object) -> tuple[str, ...]:
    """Return the texts of a list: `["a", "b"]` -> `("a", "b")`, `["a", 1]` -> `ValueError`."""
    return tuple(text_of(item) for item in list_of(value))

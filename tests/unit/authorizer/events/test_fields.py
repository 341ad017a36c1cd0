"""Fields of an event are read by their types, whichever mapping holds them."""

from types import MappingProxyType

import pytest

from authorizer.errors import TroubleError
from authorizer.events.fields import map_of


def test_any_mapping_is_a_map() -> None:
    inner = MappingProxyType({"resourcePath": "/pets"})
    assert map_of({"requestContext": inner}, "requestContext") is inner
    plain = {"resourcePath": "/pets"}
    assert map_of({"requestContext": plain}, "requestContext") is plain


def test_what_is_missing_is_empty_and_what_is_no_map_is_trouble() -> None:
    assert map_of({}, "requestContext") == map_of({"requestContext": None}, "requestContext") == {}
    with pytest.raises(TroubleError):
        map_of({"requestContext": ["/pets"]}, "requestContext")

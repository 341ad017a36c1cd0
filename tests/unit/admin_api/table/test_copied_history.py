"""What a copy of a history cannot be without."""

import pytest

from admin_api.table.copied_history import CopiedHistory, CopiedItemError, item_of
from authorizer.errors import TroubleError


def test_a_copy_without_head_or_catalogue_says_so() -> None:
    copy = CopiedHistory("petstore")
    with pytest.raises(CopiedItemError, match="`petstore` has no head"):
        _ = copy.head
    with pytest.raises(TroubleError, match="has no catalogue"):
        copy.document()


@pytest.mark.parametrize(
    "pk", ["api#petstore", "api#petstore#idempotency", "api#petstore2#routes", "api#pet", "apis", "api#petstore#subject"]
)
def test_an_item_of_nothing_is_none(pk: str) -> None:
    with pytest.raises(CopiedItemError, match="is no item of API `petstore`"):
        item_of("petstore", {"pk": pk, "sk": "1"})

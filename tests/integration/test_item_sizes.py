"""The sizes that costs and capacity are counted with are those of the items that publishing writes."""

from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table import keys
from tests.benchmarks.sizes import API, AUTHOR, GROUPS, NOW, REASON, group, item_sizes, reference_document, stored_bytes
from tests.support.clock import Clock
from tests.support.tables import Table, publish


def test_published_items_have_the_sizes_that_are_counted(table: Table) -> None:
    for shift in (0, 1):
        publish(reference_document(shift=shift), clock=Clock(NOW), author=AUTHOR, reason=REASON)
    counted = item_sizes()
    of_api = keys.api_key(API)
    assert stored_bytes(table.raw(of_api, keys.HEAD)) == counted.head
    assert stored_bytes(table.raw(of_api, keys.VERSION_PREFIX + keys.number(2))) == counted.record
    assert stored_bytes(table.raw(keys.routes_key(API), keys.number(1))) == counted.routes
    assert stored_bytes(table.raw(keys.subject_key(API, PrincipalRef(RefKind.GROUP, group(0))), keys.number(2))) == counted.group
    entries = [key for key in table.items() if key[0] == of_api and key[1].startswith(keys.REGISTRY_PREFIX)]
    assert len(entries) == GROUPS + 1
    assert sum(stored_bytes(table.raw(*key)) for key in entries) == counted.registry

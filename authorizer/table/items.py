"""The items of the permission table as DynamoDB holds them. Every reader turns them into the frozen values of `records`."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

SCHEMA = 1
"""Format number of the items that are written. Readers take this one and the one before.

INVARIANT: an item that gains an attribute gains a number. Records hold digests over all attributes, and a reader that does not know one would take the item for
altered.
"""

READABLE_SCHEMAS = (SCHEMA,)


class TableItem(Model):
    """What every item has. The classes here say what items hold; `PermissionTable.items` gives the same class bound to one table."""

    class Meta:
        """Timeouts fit inside the 10 s that API Gateway gives an authorizer, retries included."""

        table_name = ""
        connect_timeout_seconds = 1.0
        read_timeout_seconds = 1.5
        max_retry_attempts = 1

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    schema = NumberAttribute()


class HeadItem(TableItem):
    """The one item that authorizers poll. Updated attribute by attribute, never put."""

    version = NumberAttribute()
    hash = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    denylist_stamp = NumberAttribute(null=True)


class VersionItem(TableItem):
    """What one change was: who, when, why, which rows (`touched`, JSON) and which access (`changes`, JSON).

    `series` (JSON) is there if it is a part of a larger change, `denylist` (JSON) if it is about an entry of the denylist. `origin` (JSON) says which version
    changed the document last, and which one came from a file.
    """

    author = UnicodeAttribute()
    on_behalf_of = UnicodeAttribute(null=True)
    reason = UnicodeAttribute()
    time = UnicodeAttribute()
    changes = UnicodeAttribute()
    touched = UnicodeAttribute()
    parent_hash = UnicodeAttribute()
    hash = UnicodeAttribute()
    series = UnicodeAttribute(null=True)
    denylist = UnicodeAttribute(null=True)
    origin = UnicodeAttribute(null=True)


class RegistryItem(TableItem):
    """A subject has existed. Never removed."""

    kind = UnicodeAttribute()
    name = UnicodeAttribute()


class ApiItem(TableItem):
    """An API has been published. Never removed."""

    name = UnicodeAttribute()


class RowItem(TableItem):
    """What a subject held or what the catalogue was from one version on, as canonical JSON; no content means removed.

    INVARIANT: no row carries `expires_at`. If DynamoDB deleted a row, the older and wider one behind it would come back to life.
    """

    content = UnicodeAttribute(null=True)


class DenylistItem(TableItem):
    """An entry of the denylist. DynamoDB may delete it once it has ended."""

    kind = UnicodeAttribute()
    value = UnicodeAttribute()
    reason = UnicodeAttribute()
    author = UnicodeAttribute()
    version = NumberAttribute()
    issued_before = NumberAttribute(null=True)
    expires_at = NumberAttribute()

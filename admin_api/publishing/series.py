"""Splits a change that is too large for one transaction into steps, and no step grants to any caller what neither end of the change grants.

Each state in between is a document of its own, and its rows are exactly that document's rows: whoever stops halfway can go on, or go back, by the same
function. A subject's row goes from what it held (*old*) to a *narrow* form, and from there to what it shall hold (*new*), in this order:

1. narrow rows, children before parents;
2. the new catalogue;
3. new rows, parents before children; then subjects that are gone are removed;
4. the rules of the document.

A subject *holds* its own permissions and those of its ancestors. The narrow row allows only what the subject holds at both ends and denies what it holds at
either. It inherits only from *steady* groups, those whose ancestors are the same at both ends and steady too, and has copies of whatever comes from its
other ancestors. Why this is safe:

- In 1 a subject allows nothing that it did not hold, and keeps each deny that it held: an ancestor that is named keeps its own denies when it becomes narrow,
  and what is no longer named was copied. Requests are read by the old catalogue. So nothing is granted that the old end denies, to whatever
  combination of subjects. When 1 is over, the same is true of the new end, and remains so under the new catalogue in 2 and 3.
- No row ever names a group without a row. Whoever inherits from a group that goes is narrow before it goes; who inherits from a new one is written after it.
- A row's ancestors are always those that the document says. Only groups that are not steady change theirs, and whoever inherits from such a group no longer
  names it by then.

If neither the catalogue nor any deny changes (a *calm* change), an allow of either end is safe at any time: it meets the same denies. Then narrow rows
allow all that was held, so that most need not be written.

That a client is delegated takes access away from people, as a deny does, so that the narrow row is delegated if either end is. Through it an allow of a person
and one of a scope count together, and one of the old end beside one of the new might grant what neither does: where a client is delegated, only a change that
leaves the scopes as they are is calm.

What one and the same subject allows at both ends, in the same words, is allowed throughout. In other words, such as `* /pets` for `GET /pets`, it may be denied
in between.

The rules that a document demands of itself come last: in between the old ones stand in the table, and nobody holds a state in between against them. It may
break one that the new end does not demand any more, and one that tells of two subjects at once, such as `equal`. What it grants one of the ends grants, so
that no `never` or `only` of both ends is broken; and whoever goes on with a series that stopped, or goes back, publishes an end that is held against its rules.

An operation that leaves its row as it is costs nothing. A step is a run of operations, so that its end is one of the states above; a row that would be
written twice in a step is written once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from admin_api.table import writer
from authorizer.policy.document import PermissionDocument, Subject, format_subject, parse_subject
from authorizer.policy.permission import Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.route import RouteCatalog
from authorizer.table import keys

Rows = Mapping[str, str | None]
"""What rows hold by key, None where a subject is removed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One version of a series: the rows to write, the subjects that it adds to the registry, and the document that is published after it."""

    rows: Rows
    new_subjects: frozenset[PrincipalRef]
    document: PermissionDocument


@dataclass(frozen=True, slots=True)
class _Operation:
    """What one row holds next: a subject, nothing, or, without `ref`, the new catalogue or the new rules."""

    key: str
    content: str | None
    ref: PrincipalRef | None = None
    subject: Subject | None = None


def steps(
    before: PermissionDocument | None, after: PermissionDocument, known: frozenset[PrincipalRef], *, max_items: int, max_bytes: int
) -> list[Step]:
    """Return the steps from one document of an API to another: none if nothing changes, one if everything fits, and the last one publishes `after`.

    `known` are the subjects that the registry has. A step has at most `max_items` rows and registry entries, and `max_bytes` of rows, or it is a single
    subject's. A narrow row may be larger than the old and the new one, since it has copies: look at all steps before you publish the first.
    """
    names = {keys.subject_key(after.api, ref): ref for ref in (*(before.subjects if before else ()), *after.subjects)}
    held: dict[str, str] = writer.row_contents(before) if before else {}
    wanted = writer.row_contents(after)
    todo = deque[_Operation]()
    result: list[Step] = []

    def new_subjects(rows: Rows) -> frozenset[PrincipalRef]:
        return frozenset(names[key] for key in rows if key in names) - known

    def fits(rows: Rows) -> bool:
        size = sum(len(content.encode()) for content in rows.values() if content is not None)
        return len(rows) + len(new_subjects(rows)) <= max_items and size <= max_bytes

    document = before
    while rows := _changed(held, wanted):
        if fits(rows):
            document = after
        else:
            todo = todo or deque(_operations(before, after, wanted))
            rows, done = _take(todo, held, fits)
            document = _carried_out(done, document, after)
        result.append(Step(rows, new_subjects(rows), document))
        known |= new_subjects(rows)
        held = {key: content for key, content in (held | rows).items() if content is not None}
    return result


def _changed(held: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    changed: dict[str, str | None] = {key: content for key, content in wanted.items() if held.get(key) != content}
    return changed | dict.fromkeys(held.keys() - wanted.keys())


def _take(todo: deque[_Operation], held: Mapping[str, str], fits: Callable[[Rows], bool]) -> tuple[dict[str, str | None], list[_Operation]]:
    """Return the rows of the longest run of operations that fits, and the run."""
    rows: dict[str, str | None] = {}
    done: list[_Operation] = []
    while todo:
        more = rows | {todo[0].key: todo[0].content}
        if todo[0].content == held.get(todo[0].key):
            del more[todo[0].key]
        if rows and not fits(more):
            break
        rows = more
        done.append(todo.popleft())
    return rows, done


def _carried_out(done: Iterable[_Operation], document: PermissionDocument | None, after: PermissionDocument) -> PermissionDocument:
    """Return the document that the operations make of another one."""
    subjects = dict(document.subjects) if document else {}
    catalog = rules = document
    for operation in done:
        if operation.key == keys.rules_key(after.api):
            rules = after
        elif operation.ref is None:
            catalog = after
        elif operation.subject is None:
            subjects.pop(operation.ref, None)
        else:
            subjects[operation.ref] = operation.subject
    source = catalog or after
    return PermissionDocument(after.api, source.catalog, subjects, source.enforced, rules.rules if rules else ())


def _operations(before: PermissionDocument | None, after: PermissionDocument, wanted: Mapping[str, str]) -> Iterator[_Operation]:
    """Yield all operations in the order that the module's description gives. `wanted` are the rows of the new end."""
    ends = _Ends(before or PermissionDocument(after.api, RouteCatalog(()), {}), after)
    routes_key = keys.routes_key(after.api)
    switch = _Operation(routes_key, wanted[routes_key])
    if before is None:
        # No version may be without a catalogue. Nothing is allowed yet, so that it can come first.
        yield switch
    for ref in sorted({*ends.old_ancestors, *ends.new_ancestors}, key=lambda ref: (-len(ends.old_ancestors.get(ref, ())), ref)):
        subject, ancestors = ends.narrow(ref)
        content = writer.subject_content(subject, ancestors) if subject is not None else None
        yield _Operation(keys.subject_key(after.api, ref), content, ref, subject)
    yield switch
    for ref in sorted(after.subjects, key=lambda ref: (len(ends.new_ancestors[ref]), ref)):
        key = keys.subject_key(after.api, ref)
        yield _Operation(key, wanted[key], ref, after.subjects[ref])
    for ref in sorted(ends.old_ancestors.keys() - after.subjects.keys()):
        yield _Operation(keys.subject_key(after.api, ref), None, ref)
    yield _Operation(keys.rules_key(after.api), wanted.get(keys.rules_key(after.api)))


class _Ends:
    """Both ends of a change, and the narrow rows between them."""

    def __init__(self, before: PermissionDocument, after: PermissionDocument) -> None:
        self._before = before
        self._after = after
        self.old_ancestors = {ref: before.ancestors(ref) for ref in before.subjects}
        self.new_ancestors = {ref: after.ancestors(ref) for ref in after.subjects}
        self._steady: set[str] = set()
        for ref in sorted(self.old_ancestors.keys() & self.new_ancestors.keys(), key=lambda ref: len(self.old_ancestors[ref])):
            ancestors = self.old_ancestors[ref]
            if ref.kind is RefKind.GROUP and ancestors == self.new_ancestors[ref] and self._steady.issuperset(ancestors):
                self._steady.add(ref.name)
        same_routes = writer.routes_content(before.enforced, before.catalog) == writer.routes_content(after.enforced, after.catalog)
        refs = {*before.subjects, *after.subjects}
        delegated = {ref for ref in refs if before.is_delegated(ref)}, {ref for ref in refs if after.is_delegated(ref)}
        self._delegated = delegated[0] | delegated[1]
        same_consent = not self._delegated or (
            delegated[0] == delegated[1]
            and all(before.permissions(ref) == after.permissions(ref) for ref in refs if ref.kind is RefKind.SCOPE)
        )
        same_denies = all(_held(before, ref, Effect.DENY) == _held(after, ref, Effect.DENY) for ref in refs)
        self._is_calm = same_routes and same_denies and same_consent

    def narrow(self, ref: PrincipalRef) -> tuple[Subject | None, tuple[str, ...]]:
        """Return a subject's narrow form and its ancestors. None if it is not at both ends and would hold nothing: then there need not be a row."""
        ancestors = self.old_ancestors.get(ref, ())
        named = tuple(name for name in ancestors if name in self._steady and name in self.new_ancestors.get(ref, ()))
        allowed = _held(self._before, ref, Effect.ALLOW)
        if not self._is_calm:
            allowed &= _held(self._after, ref, Effect.ALLOW)
        permissions = {
            (permission.effect, _words(permission)): permission
            for document in (self._before, self._after)
            for permission in _beside(document, ref, named)
            if permission.effect is Effect.DENY or _words(permission) in allowed
        }
        delegated = ref in self._delegated
        if not permissions and not delegated and not (ref in self._before.subjects and ref in self._after.subjects):
            return None, ()
        # As it was written, if that says the same: then the row may not change at all.
        inherits = self._before.subjects[ref].inherits if ancestors and named == ancestors else named
        # The reader brings copies into the normal form and makes them the subject's own.
        return parse_subject(ref, format_subject(Subject(tuple(permissions.values()), inherits, delegated))), named


def _beside(document: PermissionDocument, ref: PrincipalRef, named: Iterable[str]) -> Iterator[Permission]:
    """Yield what a subject holds at one end but for what these ancestors have."""
    others = (PrincipalRef(RefKind.GROUP, name) for name in document.ancestors(ref) if name not in named)
    for holder in (ref, *others):
        yield from document.subjects.get(holder, Subject()).permissions


def _words(permission: Permission) -> tuple[object, ...]:
    """Return all of a permission but whose it is."""
    return permission.selector, permission.excepted, permission.where, permission.until


def _held(document: PermissionDocument, ref: PrincipalRef, effect: Effect) -> set[tuple[object, ...]]:
    return {_words(permission) for permission in document.permissions(ref) if permission.effect is effect}

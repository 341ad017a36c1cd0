"""The rules that a document demands of itself: what they mean, whether the document keeps them, and how they differ between two documents."""

from collections.abc import Callable, Iterator
from itertools import islice

from admin_api.analysis.invariants import Invariant, parse_invariants, violations
from authorizer.policy.document import PermissionDocument, format_rules
from authorizer.policy.problems import Problem, child

_SHOWN = 3
"""Counter-examples that are told of one broken rule. `gatebook check` tells all."""


def own_rules(document: PermissionDocument) -> list[Invariant]:
    """Return what the rules of a document mean. Raises `DocumentError` with every one that means nothing, each with its place in the document."""
    return parse_invariants(format_rules(document.rules), "/rules")


def broken_rules(document: PermissionDocument, on_rule: Callable[[], object] = lambda: None) -> Iterator[Problem]:
    """Yield a problem for each rule that the document breaks, with what breaks it. Raises `DocumentError` for rules that mean nothing.

    `on_rule` is called before each rule is looked at: it may raise to stop.
    """
    for number, rule in enumerate(own_rules(document)):
        on_rule()
        found = [violation.message for violation in islice(violations(document, rule), _SHOWN + 1)]
        if found:
            more = ["and more"] if len(found) > _SHOWN else []
            yield Problem(child("/rules", number), f"the rule `{rule.text}` is broken: {'; '.join((*found[:_SHOWN], *more))}")


def rule_changes(before: PermissionDocument | None, after: PermissionDocument) -> tuple[str, ...]:
    """Return in sentences which rules went and which came, in the order of the documents."""
    old, new = (list(dict.fromkeys(map(str, document.rules if document else ()))) for document in (before, after))
    gone = [f"rule removed: {rule}" for rule in old if rule not in new]
    come = [f"rule added: {rule}" for rule in new if rule not in old]
    if not gone and not come and before is not None and before.rules != after.rules:
        return ("rules written otherwise: they demand the same",)
    return (*gone, *come)

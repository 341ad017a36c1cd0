"""The rules that a document demands of itself: what they mean, whether the document keeps them, and how they differ between two documents."""

from collections.abc import Callable, Iterator
from itertools import islice

from admin_api.analysis.invariant_notation import names_of
from admin_api.analysis.invariants import Invariant, parse_invariants, violations
from authorizer.policy.document import PermissionDocument, Rule, format_rules
from authorizer.policy.permission import EVERYONE
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


def with_group_renamed(rule: Rule, old: str, new: str) -> Rule:
    """Return the rule in which a group is called something else: `never: guest, partner -> DELETE /**` -> `never: visitor, partner -> DELETE /**`."""
    if rule.kind == "implies":
        return rule
    subjects, arrow, routes = (rule.said, "", "") if isinstance(rule.said, tuple) else _parted(rule)
    names = list(subjects) if isinstance(subjects, tuple) else names_of(subjects)
    if not {old, f"group/{old}"} & {*names}:
        return rule
    # A name without a kind is a group's, and one that reads like a kind and a name is not.
    named = f"group/{new}" if "/" in new or new == str(EVERYONE) else new
    renamed = [named if name in (old, f"group/{old}") else name for name in names]
    if isinstance(rule.said, tuple) or any(sign in new for sign in ",[]>"):
        return Rule(rule.kind, tuple(renamed), rule.routes if not arrow else routes)
    text = f"[{', '.join(renamed)}]" if isinstance(subjects, str) and subjects.startswith("[") else ", ".join(renamed)
    return Rule(rule.kind, f"{text} -> {routes}" if arrow else text, rule.routes)


def _parted(rule: Rule) -> tuple[str, str, str]:
    """Return what stands before the arrow, the arrow if there is one, and what stands behind it."""
    if rule.routes is not None:
        return str(rule.said).strip(), "", ""
    subjects, arrow, routes = str(rule.said).partition("->")
    return subjects.strip(), arrow, routes.strip()

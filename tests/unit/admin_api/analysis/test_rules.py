"""The rules of a document: what breaks them, and what is told of rules that come and go."""

from typing import Any

import pytest

from admin_api.analysis.rules import broken_rules, own_rules, rule_changes, with_group_renamed
from admin_api.analysis.statements import taken_back
from authorizer.policy.document import PermissionDocument, format_rules, parse_document, parse_rules
from authorizer.policy.problems import DocumentError, Problem

NEVER = {"never": "guest -> DELETE /**"}


def document(*rules: dict[str, Any], guest: tuple[str, ...] = ("GET /pets",)) -> PermissionDocument:
    routes = ["GET /pets", "POST /pets", "DELETE /pets", "DELETE /a", "DELETE /b", "DELETE /c"]
    return parse_document({"api": "x", "routes": routes, "groups": {"guest": {"allow": list(guest)}, "owner": {}}, "rules": list(rules)})


def test_a_broken_rule_is_told_at_its_place_with_what_breaks_it() -> None:
    rules = {"never": "owner -> DELETE /**"}, NEVER, {"only": {"subjects": ["owner"], "routes": "DELETE /**"}}
    by = "group/guest may DELETE /pets by group/guest allow DELETE /pets"
    assert list(broken_rules(document(*rules, guest=("DELETE /pets",)))) == [
        Problem("/rules/1", f"the rule `never: guest -> DELETE /**` is broken: {by}"),
        Problem("/rules/2", f"the rule `only: [owner] -> DELETE /**` is broken: {by}"),
    ]


def test_of_many_counter_examples_three_are_told() -> None:
    [problem] = broken_rules(document(NEVER, guest=("* /**",)))
    assert problem.message.count("group/guest may DELETE") == 3
    assert problem.message.endswith("; and more")


def test_rules_that_hold_and_those_about_nothing_are_no_problem() -> None:
    assert list(broken_rules(document(NEVER, {"never": "nobody -> /nowhere"}))) == []


def test_each_rule_asks_whether_there_is_time() -> None:
    asked: list[None] = []
    assert list(broken_rules(document(NEVER, {"only": "owner -> POST /**"}), lambda: asked.append(None))) == []
    assert len(asked) == 2


def test_a_rule_that_means_nothing_has_its_place_in_the_document() -> None:
    with pytest.raises(DocumentError) as caught:
        own_rules(document(NEVER, {"never": "guest"}, {"equal": ["guest", "client/"]}))
    assert [problem.pointer for problem in caught.value.problems] == ["/rules/1/never", "/rules/2/equal/1"]


def test_rules_that_come_and_go_are_told_in_sentences() -> None:
    other = {"only": {"subjects": ["owner", "guest"], "routes": "/**"}}
    assert rule_changes(None, document(NEVER)) == ("rule added: never: guest -> DELETE /**",)
    assert rule_changes(document(NEVER), document(other)) == (
        "rule removed: never: guest -> DELETE /**",
        "rule added: only: [owner, guest] -> /**",
    )
    assert rule_changes(document(NEVER), document(NEVER)) == ()
    assert rule_changes(document(NEVER, other), document(other, NEVER)) == ("rules written otherwise: they demand the same",)


def test_a_rule_that_somebody_added_is_taken_back_by_a_file_without_it() -> None:
    assert taken_back(document(), document(NEVER), document()) == ["rules: `never: guest -> DELETE /**` was added since"]


@pytest.mark.parametrize(
    ("rule", "new", "expected"),
    [
        ({"never": "guest -> DELETE /**"}, "visitor", {"never": "visitor -> DELETE /**"}),
        ({"only": "[guest,group/guest, client/guest] -> /admin/**"}, "v", {"only": "[v, v, client/guest] -> /admin/**"}),
        ({"implies": "guest /pets -> GET /pets"}, "v", {"implies": "guest /pets -> GET /pets"}),
        ({"equal": "guest, partner"}, "a/b", {"equal": "group/a/b, partner"}),
        ({"equal": "guests, partner"}, "v", {"equal": "guests, partner"}),
        ({"disjoint": ["guest", "b"]}, "everyone", {"disjoint": ["group/everyone", "b"]}),
        ({"never": {"subjects": "guest, b", "routes": "GET /**"}}, "v", {"never": {"subjects": "v, b", "routes": "GET /**"}}),
        ({"never": {"subjects": ["guest"], "routes": "GET /**"}}, "v", {"never": {"subjects": ["v"], "routes": "GET /**"}}),
        ({"never": "guest, b -> GET /**"}, "a, c", {"never": {"subjects": ["a, c", "b"], "routes": "GET /**"}}),
        ({"equal": "guest, b"}, "a, c", {"equal": ["a, c", "b"]}),
    ],
)
def test_a_rule_follows_a_group_to_its_new_name(rule: dict[str, Any], new: str, expected: dict[str, Any]) -> None:
    [parsed] = parse_rules([rule])
    assert format_rules((with_group_renamed(parsed, "guest", new),)) == [expected]

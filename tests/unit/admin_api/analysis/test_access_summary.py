"""What a change amounts to for each subject, and the order to look at it in."""

from admin_api.analysis.access_changes import ChangeKind, access_changes
from admin_api.analysis.access_summary import most_telling_first, summaries
from authorizer.policy.document import parse_document

ROUTES = ["GET /a", "GET /b", "GET /c/{id}"]
BEFORE = parse_document(
    {
        "api": "x",
        "routes": ROUTES,
        "everyone": {"allow": ["GET /a"]},
        "groups": {"a gains b": {"allow": ["GET /a", "GET /b"]}, "g": {"allow": ["GET /c/{id}"]}, "same": {"allow": ["GET /b"]}},
        "clients": {"ours": {"delegated": True, "allow": ["GET /a"]}, "third": {}},
    }
)
AFTER = parse_document(
    {
        "api": "x",
        "routes": ROUTES,
        "everyone": {"allow": ["GET /b"]},
        "groups": {
            "a gains b": {"deny": ["GET /c/{id}"]},
            "g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}, "GET /a"]},
            "same": {"allow": ["GET /b"]},
        },
        "clients": {"ours": {"allow": ["GET /a"]}, "third": {"delegated": True, "allow": ["GET /b"]}},
    }
)
CHANGES = access_changes(BEFORE, AFTER)


def test_each_subject_has_one_line_and_everyone_the_first() -> None:
    assert [(str(each.subject), str(each)) for each in summaries(CHANGES)] == [
        ("everyone", "gains 1 route, loses 1"),
        ("group/a gains b", "loses 2 routes, changes on 1"),
        ("group/g", "gains 1 route, changes on 1"),
        ("client/third", "gains 1 route, is delegated from now on"),
        ("client/ours", "is not delegated from now on"),
    ]


def test_everyone_then_marks_then_losses_are_looked_at_first() -> None:
    assert [(str(change.subject), change.route, str(change.kind)) for change in most_telling_first(CHANGES)] == [
        ("everyone", "GET /a", "loses"),
        ("everyone", "GET /b", "gains"),
        ("client/third", "* /**", "loses"),
        ("client/ours", "* /**", "gains"),
        ("group/a gains b", "GET /a", "loses"),
        ("group/a gains b", "GET /b", "loses"),
        ("client/third", "GET /b", "gains"),
        ("group/g", "GET /a", "gains"),
        ("group/a gains b", "GET /c/{id}", "changes"),
        ("group/g", "GET /c/{id}", "changes"),
    ]


def test_the_kind_does_not_hang_on_a_name() -> None:
    assert {change.kind for change in CHANGES if change.subject.name == "a gains b"} == {ChangeKind.LOSES, ChangeKind.CHANGES}

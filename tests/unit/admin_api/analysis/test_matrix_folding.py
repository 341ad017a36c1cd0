"""Rows fold by their paths, and what a fold says is what its rows say."""

from typing import Any

import pytest

from admin_api.analysis.matrix import matrix_of
from admin_api.analysis.matrix_folding import OTHERS, Fold, Tally, alike, depths, folded, largest, unfolded
from authorizer.policy.document import parse_document

ROUTES = ["GET /", "GET /pets", "POST /pets", "GET /pets/{id}", "GET /pets/{id}/photos", {"route": "GET /health", "public": True}]
GROUPS = {
    "guest": {"allow": ["GET /pets", {"route": "GET /pets/{id}", "where": {"id": "sub"}}]},
    "owner": {"allow": ["* /pets/**"], "deny": ["POST /pets"]},
    "other": {"allow": ["GET /pets", {"route": "GET /pets/{id}", "where": {"id": "sub"}}]},
}
GRID = matrix_of(parse_document({"api": "petstore", "routes": ROUTES, "groups": GROUPS}))
WEBSOCKET = matrix_of(
    parse_document(
        {"api": "x", "routes": ["WS $connect", "WS chat-all", "WS chat/a", "WS chat/b"], "groups": {"g": {"allow": ["WS chat/a"]}}}
    )
)


def names(folds: tuple[Fold, ...]) -> list[tuple[str, int]]:
    return [(fold.name, len(fold.rows)) for fold in folds]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, [("/**", 6)]),
        (1, [("GET /", 1), ("GET /health", 1), ("/pets/**", 4)]),
        (2, [("GET /", 1), ("GET /health", 1), ("/pets", 2), ("/pets/{id}/**", 2)]),
        (3, [("GET /", 1), ("GET /health", 1), ("/pets", 2), ("GET /pets/{id}", 1), ("GET /pets/{id}/photos", 1)]),
    ],
)
def test_rows_fold_after_so_many_segments(depth: int, expected: list[tuple[str, int]]) -> None:
    assert names(folded(GRID.rows, depth)) == expected


def test_the_deepest_depths_come_first() -> None:
    assert list(depths(GRID.rows)) == [3, 2, 1, 0]
    assert (list(depths(())), folded((), 0)) == ([0], ())
    assert names(unfolded(GRID.rows)) == [(row.name, 1) for row in GRID.rows]


def test_what_has_one_answer_is_unfolded_no_further() -> None:
    everything: dict[str, Any] = {"api": "x", "routes": ["GET /a/b", "GET /a/c", "GET /d"], "groups": {"g": {"allow": ["GET /a/**"]}}}
    assert names(folded(matrix_of(parse_document(everything)).rows, 2)) == [("/a/**", 2), ("GET /d", 1)]
    everything["routes"] = ["GET /a/b", {"route": "GET /a/c", "public": True}, "GET /d"]
    assert names(folded(matrix_of(parse_document(everything)).rows, 2)) == [("GET /a/b", 1), ("GET /a/c", 1), ("GET /d", 1)]


def test_route_keys_of_websockets_fold_at_their_slashes() -> None:
    assert names(folded(WEBSOCKET.rows, 1)) == [("WS $connect", 1), ("WS chat-all", 1), ("chat/**", 2)]
    assert names(folded(WEBSOCKET.rows, 0)) == [("**", 4)]


def test_a_tally_counts_what_is_allowed_and_what_of_it_is_conditional() -> None:
    [pets] = [fold for fold in folded(GRID.rows, 1) if fold.name == "/pets/**"]
    column = {str(ref): number for number, ref in enumerate(GRID.subjects)}
    assert pets.tally(column["group/guest"]) == Tally(None, 2, 1, 4)
    assert pets.tally(column["group/owner"]) == Tally(None, 3, 0, 4)
    assert pets.tally(column["everyone"]) == Tally("nothing", 0, 0, 4)


def test_the_largest_folds_are_kept_and_the_others_are_one() -> None:
    folds = folded(GRID.rows, 2)
    assert largest(folds, 4) == folds
    assert names(largest(folds, 3)) == [("/pets", 2), ("/pets/{id}/**", 2), (OTHERS, 2)]
    assert names(largest(folds, 1)) == [(OTHERS, 6)]


def test_only_the_same_answer_to_every_route_is_alike() -> None:
    assert [[str(GRID.subjects[number]) for number in columns] for columns in alike(GRID)] == [
        ["everyone"],
        ["group/guest", "group/other"],
        ["group/owner"],
    ]
    same_count = {"api": "x", "routes": ["GET /a/b", "GET /a/c"], "groups": {"g": {"allow": ["GET /a/b"]}, "h": {"allow": ["GET /a/c"]}}}
    assert alike(matrix_of(parse_document(same_count))) == ((0,), (1,), (2,))
    clients = {
        "api": "x",
        "routes": ["GET /a"],
        "clients": {"ours": {"allow": ["GET /a"]}, "theirs": {"allow": ["GET /a"], "delegated": True}},
    }
    assert alike(matrix_of(parse_document(clients))) == ((0,), (1,), (2,))
    assert alike(matrix_of(parse_document(clients), (), "GET /a")) == ((0,), (1,), (2,))

"""Catalogues that are well formed and hardly meant."""

import pytest

from admin_api.analysis.notation import notation_notes
from authorizer.policy.route import parse_route

PROXY = "one proxy route serves a whole application"


@pytest.mark.parametrize(
    ("routes", "notes"),
    [
        (["GET /pets/:id/toys/:toy"], ["for a parameter write `GET /pets/{id}/toys/{toy}`"]),
        (["POST /events:batch", "GET /v1/:7", "WS :id", "GET /pets/{id}"], []),
        (["ANY /{proxy+}"], [PROXY]),
        (["ANY /", "ANY /{proxy+}", "GET /{p+}"], [PROXY]),
        (["ANY /", "GET /a/{proxy+}"], []),
        (["ANY /{proxy+}", "GET /health"], []),
        (["WS $connect", "ANY /{proxy+}"], []),
        (["ANY /"], []),
        ([], []),
    ],
)
def test_notes(routes: list[str], notes: list[str]) -> None:
    found = list(notation_notes(map(parse_route, routes)))
    assert len(found) == len(notes)
    assert all(words in note for words, note in zip(notes, found, strict=True))

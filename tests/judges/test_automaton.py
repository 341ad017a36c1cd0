"""The judge of whole policies finds what is wrong by hand with a policy, shows it by a request, and is content with what is right."""

import pytest

from tests.support.automaton import MeantRoute, Spelling, find_difference, find_overgrant

PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"


def api(*lines: str) -> list[MeantRoute]:
    """`GET /a: GET /a; POST -` as a table: route, then what it lets through by verb. A method alone lets its whole route through."""
    routes = []
    for line in lines:
        route, _, meant = line.partition(": ")
        method, template = route.split(" ")
        allowed: dict[str, list[str]] = {}
        for each in meant.split("; ") if meant else ():
            verb, _, limited = each.partition(" ")
            allowed.setdefault(verb, []).append(limited or template)
        routes.append(MeantRoute(method, template, allowed))
    return routes


def policy(*resources: str) -> dict[str, object]:
    """Allows, and Denies with a `-` in front, below the stage."""
    allows = [PREFIX + text for text in resources if not text.startswith("-")]
    denies = [PREFIX + text[1:] for text in resources if text.startswith("-")]
    statements = [{"Effect": "Allow", "Resource": allows}, {"Effect": "Deny", "Resource": denies}]
    return {"Version": "2012-10-17", "Statement": [statement for statement in statements if statement["Resource"]]}


EXACT = {
    "one literal": (["GET /a: GET", "GET /b"], ["GET/a"]),
    "the root": (["GET /: GET", "GET /a"], ["GET/"]),
    "nothing, said by nothing": (["GET /a"], []),
    "nothing, said aloud": (["GET /a"], ["-*"]),
    "a parameter without anything below": (["GET /a/{x}: GET", "GET /b/{x}"], ["GET/a/*"]),
    "a parameter and what is below, both allowed": (["GET /a/{x}: GET", "GET /a/{x}/b: GET", "POST /a/{x}"], ["GET/a/*"]),
    "a sibling's word, denied": (["GET /{x}: GET", "GET /a"], ["GET/*", "-GET/a"]),
    "a deny below": (["GET /u/{id}: GET", "GET /u/{id}/s"], ["GET/u/*", "-GET/u/*/s"]),
    "a deny below, of any verb": (["GET /a/{x}: GET", "ANY /{p+}"], ["GET/a/*", "-*/a/*/*"]),
    "greedy, all of it": (["GET /f/{p+}: GET", "GET /f"], ["GET/f/*"]),
    "greedy but for a literal inside": (["GET /f/{p+}: GET", "GET /f/a/b"], ["GET/f/*", "-GET/f/a/b"]),
    "two segments": (["GET /{a}/{b}: GET", "GET /x"], ["GET/*/*"]),
    "ANY in one pattern": (["ANY /a: " + "; ".join(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))], ["*/a"]),
    "ANY for some verbs": (["ANY /a: GET; POST"], ["GET/a", "POST/a"]),
    "ANY beside a verb of its own": (["ANY /{x}: GET; POST", "GET /{y}"], ["POST/*"]),
    "exactly one character": (["GET /ab: GET", "GET /abc", "GET /a"], ["GET/a?"]),
    "a bound value": (["GET /o/{o}: GET /o/alice"], ["GET/o/alice"]),
    "a bound value in the middle": (["GET /o/{o}/p/{p}: GET /o/alice/p/{p}", "GET /o/{o}"], ["GET/o/alice/p/*"]),
    "bound, and the sibling's route comes first": (["GET /{p}/{q}: GET /alice/{q}", "GET /{p}/x"], ["GET/alice/*", "-GET/alice/x"]),
    "a policy that says more than any route asks": (["GET /a/{x}: GET", "GET /b"], ["GET/a/*", "GET/c", "-GET/d/*"]),
}

OVERGRANTS = {
    "* crosses the slash": (["GET /a/{x}: GET", "GET /a/{x}/b"], ["GET/a/*"], {"GET/a/z/b"}),
    "* takes in a sibling's word": (["GET /{x}: GET", "GET /a"], ["GET/*"], {"GET/a"}),
    "? takes in a slash": (["GET /a/b", "GET /axb: GET"], ["GET/a?b"], {"GET/a/b"}),
    "? takes in another word": (["GET /ab: GET", "GET /ac"], ["GET/a?"], {"GET/ac"}),
    "another verb": (["GET /a: GET", "POST /a"], ["GET/a", "POST/a"], {"POST/a"}),
    "a wildcard for the verb": (["GET /a: GET", "POST /a"], ["*/a"], {"POST/a"}),
    "a verb that is the end of another path": (["GET /GET/a", "POST /GET/a", "GET /a: GET"], ["*GET/a"], {"GET/GET/a", "POST/GET/a"}),
    "a verb of ANY that was not meant": (["ANY /a: GET"], ["*/a"], {"DELETE/a"}),
    "the verb's own route beside ANY": (["ANY /a: POST; GET", "GET /a"], ["GET/a", "POST/a"], {"GET/a"}),
    "a Deny for ANY that misses a verb": (["ANY /a/{x}: GET", "GET /{p+}"], ["GET/*"], {"GET/z", "GET/a"}),
    "greedy and deeper": (["GET /{x}: GET", "GET /{p+}"], ["GET/*"], {"GET/z/z"}),
    "the literal beside a greedy route": (["GET /f/{p+}: GET", "GET /f/a"], ["GET/f/*"], {"GET/f/a"}),
    "the parameter beside a greedy route": (["GET /f/{p+}: GET", "GET /f/{x}"], ["GET/f/*"], {"GET/f/z"}),
    "another value": (["GET /o/{o}: GET /o/alice"], ["GET/o/*"], {"GET/o/z"}),
    "a value in the place of another parameter": (["GET /{a}/{b}: GET /alice/{b}"], ["GET/alice/*", "GET/*/alice"], {"GET/z/alice"}),
    "bound, though the sibling's route comes first": (["GET /{p}/{q}: GET /alice/{q}", "GET /{p}/x"], ["GET/alice/*"], {"GET/alice/x"}),
    "a Deny that is one character short": (["GET /{x}: GET", "GET /abc"], ["GET/*", "-GET/ab"], {"GET/abc"}),
    "a whole stage": (["GET /a"], ["*"], {"GET/a"}),
}

UNDERGRANTS = {
    "a route forgotten": (["GET /a: GET", "GET /b: GET"], ["GET/a"], {"GET/b"}),
    "a verb forgotten": (["ANY /a: GET; POST"], ["GET/a"], {"POST/a"}),
    "the verbs mixed up": (["GET /a: GET", "POST /a"], [], {"GET/a"}),
    "a parameter written as its template": (["GET /a/{x}: GET"], ["GET/a/{x}"], {"GET/a/z"}),
    "? for a parameter": (["GET /a/{x}: GET"], ["GET/a/?"], {"GET/a/zz"}),
    "? for nothing": (["GET /a/{x}: GET"], ["GET/a/z?*"], {"GET/a/z", "GET/a/q", "GET/a/x"}),
    "a greedy route cut after one segment": (["GET /f/{p+}: GET"], ["GET/f/*", "-GET/f/*/*"], {"GET/f/z/z"}),
    "a Deny that swallows a third route": (
        ["GET /a/{x}: GET", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}: GET"],
        ["GET/a/*", "-GET/a/*/*"],
        {"GET/a/z/z/z"},
    ),
    "a Deny of the same": (["GET /a: GET"], ["GET/a", "-GET/*"], {"GET/a"}),
    "a Deny of every verb": (["GET /a: GET", "POST /a"], ["GET/a", "-*/a"], {"GET/a"}),
    "the root forgotten": (["GET /: GET"], ["GET/?*"], {"GET/"}),
    "a letter in the other case": (["GET /a: GET"], ["GET/A"], {"GET/a"}),
    "another stage's prefix": (["GET /a: GET"], ["../test/GET/a"], {"GET/a"}),
    "one bound value for another": (["GET /o/{o}: GET /o/alice; GET /o/bob"], ["GET/o/alice"], {"GET/o/bob"}),
}


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_policy_is_proved(name: str) -> None:
    routes, resources = EXACT[name]
    assert find_difference(api(*routes), policy(*resources), PREFIX) is None
    assert find_overgrant(api(*routes), policy(*resources), PREFIX) is None


@pytest.mark.parametrize("name", OVERGRANTS)
def test_an_overgrant_is_shown_by_a_request(name: str) -> None:
    routes, resources, witnesses = OVERGRANTS[name]
    assert find_overgrant(api(*routes), policy(*resources), PREFIX) in witnesses
    assert find_difference(api(*routes), policy(*resources), PREFIX) is not None


@pytest.mark.parametrize("name", UNDERGRANTS)
def test_an_undergrant_is_shown_by_a_request_and_is_no_overgrant(name: str) -> None:
    routes, resources, witnesses = UNDERGRANTS[name]
    assert find_difference(api(*routes), policy(*resources), PREFIX) in witnesses
    assert find_overgrant(api(*routes), policy(*resources), PREFIX) is None


ODD_SPELLINGS = [
    # routes, policy, and what is let through with slashes too many and with percent-encoding; None if nothing is
    (["GET /u/{id}: GET", "GET /u/{id}/s"], ["GET/u/*", "-GET/u/*/s"], {"GET/u/z/s/"}, {"GET/u/z/s/", "GET/u/z/%73"}),
    (
        ["GET /u/{id}: GET", "GET /u/{id}/s"],
        ["GET/u/*", "-GET/u/*/s", "-GET/u/*/s/", "-GET/*//*"],
        None,
        {"GET/u/z/s%2F", "GET/u/z/s%2f", "GET/u/z/%73", "GET/u/z%2Fs", "GET/u/z%2fs"},
    ),
    (["GET /a/{x}: GET", "GET /a"], ["GET/a/*"], {"GET/a/"}, {"GET/a/"}),
    (["GET /a/{x}: GET", "GET /a"], ["GET/a/?*"], {"GET/a//"}, {"GET/a//", "GET/a/%2F", "GET/a/%2f"}),
    (["GET /a/{x}: GET", "GET /a"], ["GET/a/?*", "-GET/*//*"], None, {"GET/a/%2F", "GET/a/%2f"}),
    (["GET /a/{x}: GET", "GET /a"], ["GET/a/?*", "-GET/*//*", "-GET/*%2F*"], None, {"GET/a/%2f"}),
    (["GET /a/{x}: GET", "GET /a"], ["GET/a/?*", "-GET/*//*", "-GET/*%2F*", "-GET/*%2f*"], None, None),
    (["GET /{x}: GET", "GET /"], ["GET/?*"], {"GET//"}, {"GET//", "GET/%2F", "GET/%2f"}),
    (["GET /{x}/b: GET", "GET /b"], ["GET/*/b"], {"GET//b"}, {"GET//b"}),
    (["GET /{a}/{b}: GET /{a}/me"], ["GET/*/me"], None, None),
    (["GET /{a}/{b}/{c}: GET /{a}/me/{c}"], ["GET/*/me/*"], {"GET//me/z/z"}, {"GET//me/z/z"}),
    (["GET /a/{b}/{c}: GET /a/me/{c}"], ["GET/a/*me/*"], {"GET/a/z/me/"}, {"GET/a/z/me/"}),
    (["GET /a/{b}/{c}: GET /a/{b}/me"], ["GET/a/*/me"], None, None),
    (["GET /a/{b}/{c}: GET /a/{b}/me"], ["GET/a/?*/me/*"], {"GET/a///me/z"}, {"GET/a///me/z"}),
    (["GET /{p+}: GET", "GET /a"], ["GET/*", "-GET/a", "-GET/a/", "-GET//*", "-GET/*//*"], None, {"GET/%61"}),
    (["GET /a: GET", "GET /{x}"], ["GET/a", "GET/a/"], None, None),
    (["GET /a: GET", "GET /{x}"], ["GET/a", "GET/?61"], {"GET//61"}, {"GET//61"}),
    (["GET /a", "GET /{x}/y: GET"], ["GET/?61"], None, {"GET/%61"}),
]


@pytest.mark.parametrize("case", range(len(ODD_SPELLINGS)))
def test_odd_spellings_are_looked_through(case: int) -> None:
    routes, resources, with_slashes, encoded = ODD_SPELLINGS[case]
    for spelling, witnesses in ((Spelling.SLASHES, with_slashes), (Spelling.ENCODED, encoded)):
        found = find_overgrant(api(*routes), policy(*resources), PREFIX, spelling)
        assert found in witnesses if witnesses else found is None, (spelling, found)


def test_a_policy_variable_is_refused() -> None:
    with pytest.raises(ValueError, match="policy variable"):
        find_overgrant(api("GET /a"), policy("GET/${*}"), PREFIX)


def test_a_single_resource_may_stand_without_a_list() -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": f"{PREFIX}GET/a"}]}
    assert find_difference(api("GET /a: GET"), document, PREFIX) is None

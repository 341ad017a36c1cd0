"""The theorems about decisions, named after Cedar's (`Cedar/Thm/Authorization.lean`), and those about paths, policies and documents.

Small spaces are searched through to the end; hypothesis takes the open ones, paths and documents.
"""

import re
from collections.abc import Callable, Iterator
from itertools import combinations, permutations, product
from random import Random
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authorizer.policy.decision import Decision, Grounds, Reason, decide
from authorizer.policy.document import format_document, parse_document
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.route_policy import compile_request, compile_route
from authorizer.policy.iam.statement import PolicyDocument
from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteCatalog, parse_route
from tests.support.iam_evaluator import evaluate
from tests.support.random_apis import random_document

PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"
CLAIMS = {"sub": "alice"}
NOW = 1000


def catalog_of(*routes: str) -> RouteCatalog:
    return RouteCatalog(parse_route(route) for route in routes)


# -- decisions: every set of up to three of sixteen permissions, over every request ---------------------------------------------------------

CATALOG = catalog_of("GET /a", "ANY /a/{id}", "POST /a/me", "GET /f/{rest+}")
GUEST = PrincipalRef(RefKind.GROUP, "guest")
ALLOWS = (
    *(Permission(GUEST, Effect.ALLOW, selector) for selector in ("GET /a", "* /a/{id}", "* /**", "POST /a/*", "GET /f/{rest+}")),
    Permission(EVERYONE, Effect.ALLOW, "GET /a"),
    Permission(GUEST, Effect.ALLOW, "* /a/{id}", (Binding("id", "sub"),)),
    Permission(GUEST, Effect.ALLOW, "* /a/{id}", (Binding("id", "missing"),)),
    Permission(GUEST, Effect.ALLOW, "GET /a", until=NOW),
    Permission(GUEST, Effect.ALLOW, "GET /a", until=NOW + 1),
)
DENIES = (
    *(Permission(GUEST, Effect.DENY, selector) for selector in ("GET /a", "* /a/**", "DELETE /a/{id}")),
    Permission(EVERYONE, Effect.DENY, "* /**"),
    Permission(GUEST, Effect.DENY, "* /**", until=NOW),
    Permission(GUEST, Effect.DENY, "GET /a", until=NOW + 1),
)
SETS = [chosen for size in range(4) for chosen in combinations((*ALLOWS, *DENIES), size)]
REQUESTS = [
    ("GET", "a"), ("GET", "a/alice"), ("GET", "a/bob/"), ("DELETE", "a/alice"), ("POST", "a/me"), ("POST", "a/x"), ("GET", "f/x/y"),
    ("POST", "a"), ("GET", "nowhere"), ("GET", "a/.."), ("get", "a"),
]  # fmt: skip


def ask(permissions: tuple[Permission, ...], verb: str, path: str) -> Decision:
    return decide(Grounds(permissions, CATALOG, CLAIMS, NOW), resolve(CATALOG, verb, path, None, exact=True))


def cases() -> Iterator[tuple[tuple[Permission, ...], str, str]]:
    return ((chosen, verb, path) for chosen in SETS for verb, path in REQUESTS)


def alone(permission: Permission, verb: str, path: str) -> bool:
    """Whether this permission by itself decides the request: an allow allows it, a deny denies it explicitly."""
    decision = ask((permission,), verb, path)
    assert decision.determining in ((), (permission,))
    return bool(decision.determining)


def test_deny_trumps_allow() -> None:
    seen = 0
    for chosen, verb, path in cases():
        denies = tuple(p for p in chosen if p.effect is Effect.DENY and alone(p, verb, path))
        if denies:
            decision = ask(chosen, verb, path)
            assert (decision.effect, decision.reason, decision.determining) == (Effect.DENY, Reason.EXPLICIT_DENY, denies)
            seen += any(p.effect is Effect.ALLOW and alone(p, verb, path) for p in chosen)
    assert seen > 100


def test_default_deny() -> None:
    for chosen, verb, path in cases():
        if not any(alone(p, verb, path) for p in chosen):
            decision = ask(chosen, verb, path)
            assert (decision.effect, decision.determining) == (Effect.DENY, ())
            assert decision.reason is not Reason.EXPLICIT_DENY


def test_allowed_only_if_explicitly_permitted() -> None:
    seen = 0
    for chosen, verb, path in cases():
        decision = ask(chosen, verb, path)
        deciding = tuple(p for p in chosen if alone(p, verb, path))
        explicitly = bool(deciding) and all(p.effect is Effect.ALLOW for p in deciding)
        assert decision.allowed is explicitly
        if decision.allowed:
            assert decision.determining == deciding
            seen += 1
    assert seen > 100


def test_every_permission_decides_some_request() -> None:
    expired = {p for p in (*ALLOWS, *DENIES) if p.until == NOW or any(b.claim == "missing" for b in p.where)}
    assert {p for p in (*ALLOWS, *DENIES) if not any(alone(p, verb, path) for verb, path in REQUESTS)} == expired


def test_order_and_duplicates_do_not_matter() -> None:
    for chosen in SETS:
        for verb, path in REQUESTS:
            one = ask(chosen, verb, path)
            for other in (*permutations(chosen), chosen + chosen):
                again = ask(other, verb, path)
                assert (again.effect, again.reason, set(again.determining)) == (one.effect, one.reason, set(one.determining))


def test_order_and_duplicates_do_not_matter_to_policies() -> None:
    arn = MethodArn.parse(f"{PREFIX}GET/a/alice")
    for chosen in SETS:
        policies = [
            compile_route(arn, Grounds(order, CATALOG, CLAIMS, NOW), CATALOG.find("GET", "/a/{id}"))
            for order in (*permutations(chosen), chosen + chosen)
        ]
        assert all(policy == policies[0] for policy in policies)


# -- policies: what IAM makes of an answer for a route, for paths as the gateway may read them ------------------------------------------------

SHAPES = ["".join(f"/{part}" for part in parts) for size in (1, 2, 3) for parts in product(("x", "{1}", "{2}", "{3}"), repeat=size)]
TEMPLATES = [
    shape for shape in SHAPES if all(f"{{{n}}}" not in shape or f"{{{n - 1}}}" in shape.partition(f"{{{n}}}")[0] for n in (2, 3)) and
    all(shape.count(f"{{{n}}}") < 2 for n in (1, 2, 3))
]  # fmt: skip
PARTS = ("alice", "x", "%2F", "x%2Falice", "")


def segments(path: str, *, decoded: bool) -> list[str]:
    """How a router may cut a path: decoded before or after, and never with an empty segment."""
    return [part for part in (unquote(path) if decoded else path).split("/") if part]


def values(template: str, found: list[str]) -> dict[str, str] | None:
    """The parameters by the slowest reading of a template, None if the path is not its."""
    parts = template[1:].split("/")
    if template.endswith("+}"):
        found = found[: len(parts) - 1] + (["/".join(found[len(parts) - 1 :])] if len(found) >= len(parts) else [])
    if len(parts) != len(found) or any(not part.startswith("{") and part != text for part, text in zip(parts, found, strict=True)):
        return None
    return {part.strip("{+}"): text for part, text in zip(parts, found, strict=True) if part.startswith("{")}


@pytest.mark.parametrize("greedy", [False, True])
def test_compiled_never_allows_more(greedy: bool) -> None:
    """Over every template of up to three segments and every choice of bound parameters: what the policy allows has the values in their places."""
    allowed = 0
    paths = ["/".join(parts) + end for size in (1, 2, 3, 4) for parts in product(PARTS, repeat=size) for end in ("", "/", "/%2F", "//")]
    readings = {path: [segments(path, decoded=decoded) for decoded in (False, True)] for path in paths}
    for template in [t[:-1] + "+}" for t in TEMPLATES if t.endswith("}")] if greedy else TEMPLATES:
        names = [part.strip("{+}") for part in template.split("/") if part.startswith("{")]
        by_path = {path: [found for cut in cuts if (found := values(template, cut)) is not None] for path, cuts in readings.items()}
        served = {path: readings_served for path, readings_served in by_path.items() if readings_served}
        for bound in (chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)):
            permission = Permission(EVERYONE, Effect.ALLOW, f"GET {template}", tuple(Binding(name, "sub") for name in bound))
            catalog = catalog_of(f"GET {template}")
            policy = compile_route(MethodArn.parse(f"{PREFIX}GET/x"), Grounds((permission,), catalog, CLAIMS, NOW), catalog.routes[0])
            # None: no policy holds these values in their places, so that the answer covers the requested ARN only.
            fits = _reader(policy) if policy is not None else lambda _path: False
            for path, readings_served in served.items():
                if fits(path):
                    allowed += 1
                    assert all(each[name] == "alice" for each in readings_served for name in bound), (
                        f"GET {template} with {bound} bound allows {path}"
                    )
    # Before a greedy tail nothing can be held, so that few policies are left there.
    assert allowed > (5 if greedy else 100)


def _reader(policy: PolicyDocument) -> Callable[[str], bool]:
    """Allow and Deny as regular expressions: many times faster than the evaluator, to which each expression is as plain as its policy."""
    allows, denies = (
        re.compile(
            "|".join(
                re.escape(resource).replace(r"\*", ".*").replace(r"\?", ".")
                for statement in policy["Statement"]
                for resource in statement["Resource"]
                if statement["Effect"] == effect
            )
            or r"(?!)",
            re.DOTALL,
        ).fullmatch
        for effect in ("Allow", "Deny")
    )
    return lambda path: bool(allows(f"{PREFIX}GET/{path}")) and not denies(f"{PREFIX}GET/{path}")


def test_a_policy_for_the_request_says_what_was_decided() -> None:
    for chosen, verb, path in cases():
        decision = ask(chosen, verb, path)
        arn = MethodArn.parse(f"{PREFIX}{verb}/{path}")
        verdict = evaluate(compile_request(arn, decision), "execute-api:Invoke", str(arn))
        assert verdict == ("Allow" if decision.allowed else "ExplicitDeny")


# -- paths --------------------------------------------------------------------------------------------------------------------------------------

WIDE = ["GET /", "GET /a", "GET /a/{x}", "ANY /a/b", "GET /{p}/b/{q}", "GET /a/{x}/{rest+}", "GET /{p}/c", "POST /{all+}"]
WIDE_CATALOG = catalog_of(*WIDE)


def slow_match(verb: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The route of a fully decoded path: of all that fit, the one that is most specific from left to right, and a verb before ANY."""
    cut = path.removesuffix("/").split("/") if path.removesuffix("/") else []
    fitting = []
    for route in WIDE:
        method, template = route.split(" ")
        found = {} if not cut and template == "/" else values(template, cut)
        if found is not None and method in (verb, "ANY") and "" not in cut:
            rank = [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template[1:].split("/")]
            fitting.append((rank, method == "ANY", route, found))
    return min(fitting, key=lambda each: each[:2])[2:] if fitting else None


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "/",
        "/",
        "/",
        "%61",
        "%62",
        "%2F",
        "%2f",
        "%252F",
        "%25",
        "%2561",
        ".",
        "..",
        "%2e",
        "é",
        "%C3%A9",
        "%FF",
        "*",
        "%2A",
        "${",
        "\\",
        "%00",
        " ",
        ":",
        "z",
    ]
)
PATHS = st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=12), st.text("ab/%2F5.", max_size=12))
UNSAFE = ("*", "?", "${", "\\", "//", "\ufffd")


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT"]), PATHS)
@example("GET", "a/%62")
@example("GET", "a/x%2Fy")
@example("GET", "a/x/%2e%2e")
def test_a_path_accepted_as_safe_decodes_to_the_same_route(verb: str, path: str) -> None:
    target = resolve(WIDE_CATALOG, verb, path, None, exact=True)
    if target.problem is not None or target.route is None:
        assert target.route is None
        return
    form = path
    for _ in range(4):
        found = slow_match(verb, form)
        assert found is not None
        assert found[0] == str(target.route)
        assert {name: _decoded(value) for name, value in found[1].items()} == {
            name: _decoded(value) for name, value in target.parameters.items()
        }
        assert not any(text in form for text in UNSAFE)
        assert not {".", ".."} & set(form.split("/"))
        assert form.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in form)
        form = unquote(form, errors="replace")
    assert unquote(form) == form, "fully decoded after three times"


def _decoded(text: str) -> str:
    for _ in range(4):
        text = unquote(text)
    return text


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.lists(st.sampled_from(["a", "b", "c", "z", "", "a:b"]), max_size=5).filter(lambda parts: parts != [""]),
)
def test_plain_paths_are_matched_as_the_slow_matcher_does(verb: str, parts: list[str]) -> None:
    match = WIDE_CATALOG.match(verb, tuple(parts))
    slow = slow_match(verb, "/".join(parts) + "/") if parts else slow_match(verb, "")
    assert (None if match is None else (str(match.route), dict(match.parameters))) == slow


@settings(max_examples=600, deadline=None)
@given(PATHS, st.sampled_from(["/a/{x}", "/{all+}", "/", "/a", None]), st.booleans())
def test_no_request_breaks_the_core(path: str, told: str | None, exact: bool) -> None:
    """Whatever a caller sends: a decision, a policy within limits, and no pattern of the caller's in an Allow."""
    arn = MethodArn.parse(f"{PREFIX}GET/{path}")
    everything = Grounds((Permission(EVERYONE, Effect.ALLOW, "* /**"),), WIDE_CATALOG, CLAIMS, NOW)
    target = resolve(WIDE_CATALOG, "GET", path, told, exact=exact)
    decision = decide(everything, target)
    [statement] = compile_request(arn, decision)["Statement"]
    if statement["Effect"] == "Allow":
        assert statement["Resource"] == [str(arn)]
        assert not set(path) & set("*?\\")
        assert "${" not in path
    else:
        assert evaluate({"Version": "2012-10-17", "Statement": [dict(statement)]}, "execute-api:Invoke", str(arn)) == "ExplicitDeny"
    for_route = compile_route(arn, everything, target.route)
    assert for_route is not None
    assert all(len(resource) <= 512 for each in for_route["Statement"] for resource in each["Resource"])


# -- documents ----------------------------------------------------------------------------------------------------------------------------------


RULES: list[dict[str, object]] = [
    {"never": "g1 -> DELETE /**"},
    {"only": ["g1"]},
    {"implies": "POST /pets -> GET /pets"},
    {"equal": ["g1", "client/a, b"]},
    {"disjoint": {"subjects": ["g1", "everyone"], "routes": "/**"}},
    {"never": {"subjects": "g1", "routes": "*"}},
]


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0), st.sampled_from([[], ["request"]]))
def test_document_round_trip(seed: int, enforced: list[str]) -> None:
    random = Random(seed)
    value = random_document(random) | {"enforced": enforced}
    value["clients"] = {"c": value["groups"]["g1"]}
    value["scopes"] = {"pets/read": {"allow": value["everyone"]["allow"]}}
    value["rules"] = random.sample(RULES, random.randrange(len(RULES)))
    document = parse_document(value)
    formatted = format_document(document)
    again = parse_document(formatted)
    assert format_document(again) == formatted
    assert (again.api, again.enforced, again.subjects, again.catalog.routes, again.rules) == (
        document.api,
        document.enforced,
        document.subjects,
        document.catalog.routes,
        document.rules,
    )
    assert formatted.get("rules", []) == value["rules"], (
        "rules stay in the order in which they were written, since their places tell them apart"
    )
    for section in value.values():
        for entries in section.values() if isinstance(section, dict) else ():
            if isinstance(entries, list):
                random.shuffle(entries)
    random.shuffle(value["routes"])
    assert format_document(parse_document(value)) == formatted, "the normal form does not know in which order things were written"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["GET /", "GET /{x}", "route", "sub"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                [
                    "api",
                    "routes",
                    "everyone",
                    "groups",
                    "allow",
                    "deny",
                    "where",
                    "route",
                    "until",
                    "inherits",
                    "enforced",
                    "rules",
                    "never",
                    "only",
                    "subjects",
                ]
            )
            | st.integers(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=600, deadline=None)
@given(ANYTHING)
def test_no_document_breaks_the_reader(value: object) -> None:
    """Whatever was written: a document, or problems that have a place and words."""
    for document in (
        value,
        {"api": "x", "routes": ["GET /{x}"], "everyone": value},
        {"api": "x", "routes": value, "groups": value},
        {"api": "x", "routes": ["GET /"], "rules": value},
    ):
        try:
            formatted = format_document(parse_document(document))
        except ValueError as error:
            problems = getattr(error, "problems", ())
            assert problems
            assert all(problem.message and (problem.pointer == "" or problem.pointer.startswith("/")) for problem in problems)
        else:
            assert format_document(parse_document(formatted)) == formatted

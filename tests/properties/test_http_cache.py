"""Sequences of requests that share cache entries of an HTTP API, for every choice of identity sources, judged by an oracle of its own.

What a remembered answer lets through must be allowed by the version and at the time that it was made from, for the very caller and route. What is allowed
there and sent in the canonical spelling must pass, unless the answer was narrowed. Callers write what they like into headers, query string and cookies.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, product, zip_longest
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authorizer import events
from authorizer.answering import AnswerOptions, Outcome
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.table.cache import PermissionCache
from authorizer.tokens.verifier import TokenVerifier
from tests.properties.worlds import USERS, World
from tests.support.events import Event
from tests.support.gateway_model import Router
from tests.support.http_gateway_model import CONTEXT_VARIABLES, DEFAULT, PROD, HttpGateway, HttpResponse, HttpRouted, HttpRouter, Reading
from tests.support.random_apis import MOMENTS, OWNER, Oracle

EXAMPLES = 500 if os.environ.get("CI") else 60
TTL = 300

TOKEN_SOURCE = "$request.header.Authorization"
KEYS = [(TOKEN_SOURCE, *chosen) for size in range(len(CONTEXT_VARIABLES) + 1) for chosen in combinations(CONTEXT_VARIABLES, size)]
WIDE_KEYS = [key for key in KEYS if {"$context.routeKey", "$context.path"} <= {*key}]
LIARS = ("$request.header.X-Tenant", "$request.querystring.tenant", "$request.header.Cookie")
"""Identity sources that the caller writes as it likes."""


# -- worlds --------------------------------------------------------------------------------------------------------------------------------------

SAFE = (OWNER, OWNER, "bob-2", "b")
HOSTILE = ("a", f"{OWNER}%2F", f"a%2F{OWNER}", "%61lice-1", "..", "*", "a,GET", "x%3Fa", "%C3%28")


@dataclass(frozen=True, slots=True)
class Call:
    """A request without its token. `canonical` tells that it is spelled as a well-meaning client would."""

    verb: str
    path: str
    canonical: bool


Lie = tuple[str, int, str, str]
"""A name of a header or parameter, the call that the lie speaks of, what of that call it is, and how it is wrapped."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next: time passes, perhaps a version is published, and one of the calls is made, perhaps to a custom domain. So many `lies` are told, the
    first ones."""

    seconds: int
    publishes: int | None
    token: str
    call: int
    lies: int
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A catalogue and the routes that the gateway has, the versions of the document, how the gateway reads, what callers may lie about, what happens."""

    routes: list[str]
    served: list[str]
    documents: list[dict[str, Any]]
    payload: Literal["1.0", "2.0"]
    identity: tuple[str, ...]
    ttl: int
    reading: Reading
    calls: list[Call]
    lies: list[Lie]
    steps: list[Step]


def _paths() -> list[str]:
    """Parameters have one name at one depth, so that no two routes are one."""
    plain = [parts for depth in range(4) for parts in product(*(("a", "b", f"{{p{level}}}") for level in range(depth)))]
    greedy = [(*parts, "{rest+}") for parts in plain if len(parts) < 3]
    return ["/" + "/".join(parts) for parts in (*plain, *greedy)]


ROUTES = [f"{method} {path}" for path in _paths() for method in ("GET", "DELETE", "ANY")]
CLOSE = (
    *(["GET /{p0}"], ["GET /a/{p1}"], ["GET /{p0}/a"], ["GET /{p0}/{p1}"], ["ANY /{rest+}"], ["GET /a", "GET /{rest+}"]),
    *(["GET /a", "GET /{p0}"], ["GET /a/b", "GET /a/{p1}"], ["GET /a/{p1}", "GET /a/{p1}/{p2}"], ["GET /a/{p1}", "GET /{p0}/{p1}"]),
    *(["GET /a/{p1}", "GET /{rest+}"], ["ANY /a/b", "DELETE /a/{p1}", "GET /a/{p1}"], ["ANY /a/{p1}", "GET /a"]),
)
"""Catalogues whose routes are easily taken for each other."""


def _entries(routes: list[str], *, deny: bool) -> list[Any]:
    """Everything that a subject of a document may be given."""
    found: list[Any] = []
    for route in routes:
        method, path = route.split(" ", 1)
        parts = [part for part in path.split("/") if part]
        names = [part.strip("{+}") for part in parts if part.startswith("{")]
        wide = [f"* /{'/'.join((*parts[:length], '**'))}" for length in range(len(parts) + 1)]
        found += [route, f"* {path}", *wide[:1]]
        found += [{"route": selector, "until": until} for selector in (route, *wide[-1:]) for until in sorted(MOMENTS)]
        found += [{"route": f"{m} {path}", "where": {n: c}} for m in (method, "*") for n in names for c in ("sub", "username") if not deny]
    return found


@st.composite
def documents(draw: st.DrawFn, routes: list[str]) -> dict[str, Any]:
    entry = st.sampled_from(_entries(routes, deny=False))
    everyone, g1, g2 = (draw(st.lists(entry, min_size=least, max_size=most)) for least, most in ((0, 1), (1, 2), (0, 2)))
    denies = draw(st.just([]) | st.lists(st.sampled_from(_entries(routes, deny=True)), max_size=1))
    groups = {"g1": {"allow": g1, "deny": denies}, "g2": {"allow": g2, "deny": [], "inherits": ["g1"] if draw(st.booleans()) else []}}
    return {"api": "x", "routes": routes, "everyone": {"allow": everyone, "deny": []}, "groups": groups}


@st.composite
def calls_of(draw: st.DrawFn, routes: list[str]) -> Call:
    method, path = draw(st.sampled_from(routes)).split(" ", 1)
    verb = draw(st.sampled_from(("GET", "DELETE", "OPTIONS", "TRACE") if method == "ANY" else (method, method, method, "GET")))
    spelling = draw(st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6)))
    values = st.sampled_from(SAFE + HOSTILE if spelling else SAFE)
    parts = [draw(values) if part.startswith("{") else part for part in path.split("/") if part]
    if path.endswith("+}"):
        parts += draw(st.lists(values, max_size=2))
    text = "/" + "/".join(parts)
    behind = text[1:].replace("/", "%2F", 1), text[1:].replace("/", "//", 1)
    spellings = (text, text, f"{text}/", f"/{text}", f"/{behind[0]}", f"/{behind[1]}", f"/a/..{text}")
    return Call(verb, spellings[spelling], canonical=spelling == 0)


DOMAINS = {"plain.example": "", "mapped.example": "a"}
"""Custom domains with their mapping keys."""
LIES = st.tuples(
    st.sampled_from(("X-Tenant", "tenant", "Cookie", "X-Other")),
    st.integers(0, 3),
    st.sampled_from(("path", "method", "route", "token", "domain")),
    st.sampled_from(("{}", "{}", "x,{}", "{},x", "{}; x", "x; {}")),
)
STEPS = st.builds(
    Step,
    seconds=st.sampled_from((0, 0, 0, 1, 20, TTL)),
    publishes=st.sampled_from((None, None, None, 0, 1)),
    token=st.sampled_from(("t1", "t1", "t1", "t2", "t3", "t4")),
    call=st.integers(0, 4),
    lies=st.integers(0, 2),
    domain=st.sampled_from((None, None, *DOMAINS)),
)
READINGS = st.builds(
    Reading,
    decodes=st.booleans(),
    arn_decoded=st.booleans(),
    path_decoded=st.booleans(),
    trailing_slash=st.booleans(),
    collapses=st.booleans(),
    truncates=st.booleans(),
    repeated=st.sampled_from(("joined", "first", "last")),
)


def _served(routes: list[str]) -> st.SearchStrategy[list[str]]:
    """The routes of the catalogue, or some of them; and more that take what no other does."""
    some = st.just(routes) | st.just(routes) | st.lists(st.sampled_from(routes), unique=True)
    return st.builds(lambda own, more: list(dict.fromkeys((*own, *more))), some, st.sampled_from(((), (), (DEFAULT,), ("ANY /{rest+}",))))


@st.composite
def stories(draw: st.DrawFn, kind: str) -> Story:
    close = st.sampled_from(CLOSE)
    routes = sorted(draw(st.one_of(close, close, st.lists(st.sampled_from(ROUTES), min_size=1, max_size=3, unique=True))))
    key = draw(st.sampled_from([*KEYS, *WIDE_KEYS * 4] if kind == "simple" else KEYS))
    liar = draw(st.sampled_from(((), *((source,) for source in LIARS))))
    return Story(
        routes,
        draw(_served(routes)),
        [draw(documents(routes)) for _ in range(2)],
        cast(Any, "2.0" if kind == "simple" else draw(st.sampled_from(("1.0", "2.0")))),
        # In 1.0 the values are joined in this order.
        (*key[1:], *liar, key[0]) if draw(st.booleans()) else (*key, *liar),
        draw(st.sampled_from((TTL, TTL, TTL, 0))),
        draw(READINGS),
        [draw(calls_of([route])) for route in routes] + draw(st.lists(calls_of(routes), max_size=2)),
        draw(st.just([]) | st.lists(LIES, max_size=2)),
        draw(st.lists(STEPS, min_size=2, max_size=10)),
    )


# -- the play ------------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry of the gateway's cache was made from."""

    version: int
    made_at: float
    call: Call
    outcome: Outcome


@dataclass(slots=True)
class Play:
    """One story, step by step, through the real authorizer behind the model of the gateway."""

    story: Story
    options: AnswerOptions
    seen: Counter[str] = field(default_factory=Counter)
    world: World = field(default_factory=World)
    made_from: dict[Any, Entry] = field(default_factory=dict)
    outcome: Outcome | None = None

    def run(self) -> None:
        story, world = self.story, self.world
        world.publish(story.documents[0])
        router = HttpRouter(story.served, story.reading)
        gateway = self.gateway(router)
        for step in story.steps:
            world.now += step.seconds
            if step.publishes is not None:
                world.publish(story.documents[step.publishes])
            call = story.calls[step.call % len(story.calls)]
            routed = router.route(call.verb, call.path)
            headers, query = self._sent(step, router)
            response = gateway.request(call.verb, call.path, headers, query, step.domain)
            if routed is None:
                assert (response.status, response.invoked) == (404, False)
                continue
            outcome = self._taken()
            if outcome is not None:
                self.made_from[response.key] = Entry(world.version, world.now, call, outcome)
            self._judge(step, call, routed, router, response)

    def gateway(self, router: HttpRouter) -> HttpGateway:
        """The API before the authorizer."""
        world = self.world
        authorizer = Authorizer(cast(TokenVerifier, world), cast(PermissionCache, world), self.options, now=lambda: world.now)

        def invoke(event: Event) -> object:
            request = events.read_request(event)
            self.outcome = authorizer.authorize(request)
            return events.write_response(request, self.outcome.answer)

        return HttpGateway(
            router,
            invoke,
            payload=self.story.payload,
            identity=self.story.identity,
            ttl=self.story.ttl,
            clock=lambda: world.now,
            simple=self.options.simple_responses,
            domains=DOMAINS,
        )

    def _taken(self) -> Outcome | None:
        """What the last invocation came to, once; None if it raised."""
        outcome, self.outcome = self.outcome, None
        return outcome

    def _sent(self, step: Step, router: HttpRouter) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Headers and query string: the token, and whatever else the caller wants to have believed. Identity sources are never left out."""
        sent: list[tuple[str, str]] = []
        for name, number, what, wrapping in self.story.lies[: step.lies]:
            call = self.story.calls[number % len(self.story.calls)]
            routed = router.route(call.verb, call.path)
            facts = {
                "method": call.verb,
                "route": routed.route_key if routed else "none",
                "path": f"/prod{router.gateway_template(call.path)}",
                "token": step.token,
                "domain": step.domain or PROD.host,
            }
            sent.append((name, wrapping.format(facts[what])))
        sent += [(name, "acme") for name in ("X-Tenant", "tenant", "Cookie") if name not in dict(sent)]
        headers = [("Authorization", step.token), *(pair for pair in sent if pair[0] != "tenant")]
        return headers, [pair for pair in sent if pair[0] == "tenant"]

    def _judge(self, step: Step, call: Call, routed: HttpRouted, router: HttpRouter, response: HttpResponse) -> None:
        # A path that may be spelled in several ways may also stand in the host name.
        honest = step.lies == 0 and self.story.payload == "2.0" and re.fullmatch(r"[\w/.-]+", call.path, re.ASCII) is not None
        parts = _key_parts(self.story.identity, call, routed)
        if response.status == 500:
            lacking, why = ALL - parts, f"trouble for nothing: {response} in {self.story}"
            told = "a simple response" if self.options.simple_responses else "an answer for"
            assert told in response.reason, response
            self.seen["trouble"] += 1
            needed = (
                {"method", "route", "path", *({"domain"} if _takes_in_others(routed) else ())}
                if self.options.simple_responses
                else {"route"}
            )
            assert not honest or lacking & needed, why
            return
        entry = self.made_from[response.key]
        made = f"{entry.call} ({entry.outcome.ruling.scope}, {entry.outcome.ruling.scope_fallback}, version {entry.version})"
        readings = self._readings(call, routed, router)
        story = f"{call} as {step.token}, routed as {routed}, held to {readings} -> {response} made from {made} in {self.story}"
        self.seen["allowed" if response.status == 200 else "denied"] += 1
        self.seen["from cache"] += not response.invoked
        self.seen["narrowed"] += entry.outcome.ruling.scope_fallback is not None
        groups, claims = USERS[step.token]
        oracle = Oracle(self.world.documents[entry.version])

        def allows(held: HttpRouted) -> bool:
            return oracle.allows(groups, claims, held.route_key, call.verb, dict(held.parameters), entry.made_at)

        if response.status == 200:
            assert any(map(allows, readings)), f"over-grant: {story}"
            self._judge_context(response.context or {}, claims, entry, story)
            return
        assert response.status == 403, story
        if entry.outcome.ruling.scope_fallback == "not_keyed":
            is_route = self.options.scope is CacheScope.ROUTE and routed.route_key != DEFAULT
            needed = {"method", "route"} if is_route else {"method", "route", "path"}
            assert not (honest and response.invoked and parts >= needed), f"narrowed for nothing: {story}"
        told_apart = routed in (HttpRouter(self.story.routes, router.reading).route(call.verb, call.path), *self._by_arn(call, router))
        if call.canonical and entry.call.canonical and entry.outcome.ruling.scope_fallback is None and told_apart and allows(routed):
            pytest.fail(f"under-grant: {story}")

    def _judge_context(self, context: Mapping[str, Any], claims: dict[str, str], entry: Entry, story: str) -> None:
        assert context["sub"] == claims["sub"], f"another's answer: {story}"
        speaks = entry.outcome.ruling.scope is CacheScope.REQUEST and entry.outcome.ruling.scope_fallback is None
        assert ("reason" in context, "route" in context) == (speaks, speaks), story

    def _readings(self, call: Call, routed: HttpRouted, router: HttpRouter) -> list[HttpRouted]:
        """What the request may be held to: the route that the gateway served it by, or what the ARN's path looks like where that route takes in others."""
        if _takes_in_others(routed):
            # What these take in is told apart by the catalogue. Requests that share a word have one path in the key, however their ARNs spell it.
            paths = [router.arn_path(call.path)] + ([router.gateway_template(call.path)] if self.options.simple_responses else [])
            found = [(path, held) for path in paths for held in self._by_path(call.verb, path)]
            # A slash at the end is no part of a route that ends otherwise: there the request is for what takes in the rest.
            kept = [held for path, held in found if path == "/" or not path.endswith("/") or held.route_key.endswith("+}")]
            if routed.route_key in self.story.routes and router.arn_path(call.path).endswith("/"):
                # The slash may be all that is left for a greedy parameter.
                kept.append(routed)
            # The backend reads what stands in the place of its parameters from the gateway, and not from the ARN.
            return [routed if held.route_key == routed.route_key else held for held in kept]
        return [routed]

    def _by_arn(self, call: Call, router: HttpRouter) -> list[HttpRouted]:
        """The route that a REST API would choose for the path of the ARN, one slash at its end or not."""
        return self._by_path(call.verb, router.arn_path(call.path))

    def _by_path(self, verb: str, path: str) -> list[HttpRouted]:
        found = Router(self.story.routes, backtracks=True).route(verb, path.replace("?", "%3F"))
        return [HttpRouted(f"{found.method_template} {found.template}", dict(found.parameters))] if found else []


ALL = {"method", "route", "path", "domain"}


def _takes_in_others(routed: HttpRouted) -> bool:
    """Whether the gateway's route is served for paths of several routes of the catalogue."""
    return routed.route_key == DEFAULT or routed.route_key.endswith("+}")


def _key_parts(identity: tuple[str, ...], call: Call, routed: HttpRouted) -> set[str]:
    """What a key of these identity sources holds of the call besides the token."""
    parts = {"method" for source in identity if source == "$context.httpMethod"}
    parts |= {"route" for source in identity if source == "$context.routeKey"}
    parts |= {"domain" for source in identity if source == "$context.domainName"}
    parts |= {"method" for source in identity if source == "$context.routeKey" and routed.route_key.startswith(f"{call.verb} ")}
    return parts | {"path" for source in identity if source == "$context.path"}


KINDS = {
    "request": AnswerOptions(CacheScope.REQUEST),
    "route": AnswerOptions(CacheScope.ROUTE),
    "token": AnswerOptions(CacheScope.TOKEN),
    "simple": AnswerOptions(CacheScope.REQUEST, simple_responses=True),
}
pytestmark = pytest.mark.timeout(1200)
quiet = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_let_through_is_what_the_version_of_the_entry_allows_and_nothing_else(kind: str) -> None:
    seen: Counter[str] = Counter()

    @quiet
    @given(stories(kind))
    def play(story: Story) -> None:
        Play(story, KINDS[kind], seen).run()

    play()
    if os.environ.get("CI"):
        # That it was no idle play; few examples may well be alike.
        assert (
            min(seen[what] for what in ("allowed", "denied", "from cache", "trouble" if kind == "simple" else "narrowed")) >= EXAMPLES / 20
        ), seen


# -- small worlds: two calls of one caller, of which one is allowed; and something in the key that the caller writes ---------------------------------

OWN = "GET /o/{p0}/n/{p1}"
FREE = ("7", "a,b", "a%2Cb", "a;b", "a;%20b", "a%20", "a b,c")


def _allowing(routes: list[str], *allows: Any) -> dict[str, Any]:
    subjects = {"everyone": {"allow": list(allows), "deny": []}, "groups": {name: {"allow": [], "deny": []} for name in ("g1", "g2")}}
    return {"api": "x", "routes": routes, **subjects}


def _lies(liar: str) -> st.SearchStrategy[list[Lie]]:
    """Of the first call, in the header or parameter that is an identity source."""
    what, wrapping = st.sampled_from(("path", "path", "route", "method")), st.sampled_from(("{}", "{}", "x,{}", "{},x", "{}; x"))
    return st.lists(st.tuples(st.just(liar.rpartition(".")[2]), st.just(0), what, wrapping), min_size=1, max_size=2)


TWO_STEPS = st.lists(st.builds(Step, st.just(0), st.none(), st.just("t1"), st.integers(0, 1), st.just(2)), min_size=2, max_size=3)


@st.composite
def lying_stories(draw: st.DrawFn) -> Story:
    """The path alone decides, and the key holds all but the path."""
    liar = draw(st.sampled_from(LIARS))
    whose = st.sampled_from((OWNER, OWNER, "bob-2"))
    calls = st.builds(lambda who, free: Call("GET", f"/o/{who}/n/{free}", canonical=False), whose, st.sampled_from(FREE))
    identity = (TOKEN_SOURCE, "$context.httpMethod", "$context.routeKey", liar)
    document = _allowing([OWN], {"route": OWN, "where": {"p0": "sub"}})
    made = draw(st.lists(calls, min_size=2, max_size=2))
    return Story([OWN], [OWN], [document], "2.0", identity, TTL, draw(READINGS), made, draw(_lies(liar)), draw(TWO_STEPS))


# A route whose GET is allowed, one that is not, and a call of each.
NEIGHBOURS = (
    ("GET /a/{p1}", "GET /a/b", ("GET", "/a/7"), ("GET", "/a/b")),
    ("GET /{p0}/{p1}", "GET /a/{p1}", ("GET", "/b/7"), ("GET", "/a/7")),
    ("GET /a/{rest+}", "GET /a/b", ("GET", "/a/7"), ("GET", "/a/b")),
    ("ANY /a", "DELETE /a", ("GET", "/a"), ("DELETE", "/a")),
)


@st.composite
def neighbouring_stories(draw: st.DrawFn, kind: str) -> Story:
    """The route alone decides, and the key may hold the route or not. The gateway may have fewer routes than the catalogue."""
    allowed, denied, *calls = draw(st.sampled_from(NEIGHBOURS))
    routes, liar = [allowed, denied], draw(st.sampled_from(LIARS))
    served = draw(st.sampled_from((routes, [allowed], [DEFAULT], ["ANY /{rest+}"])))
    payload = "2.0" if kind == "simple" else draw(st.sampled_from(("1.0", "2.0")))
    identity = (*draw(st.sampled_from(KEYS)), *draw(st.sampled_from(((), (liar,)))))
    made = [Call(*call, canonical=True) for call in calls]
    document = _allowing(routes, f"GET {allowed.partition(' ')[2]}")
    return Story(routes, served, [document], cast(Any, payload), identity, TTL, draw(READINGS), made, draw(_lies(liar)), draw(TWO_STEPS))


@pytest.mark.parametrize("kind", KINDS)
def test_no_route_is_let_through_by_its_neighbour(kind: str) -> None:
    @quiet
    @given(neighbouring_stories(kind))
    def play(story: Story) -> None:
        Play(story, KINDS[kind]).run()

    play()


@quiet
@given(lying_stories())
def test_no_lie_of_the_caller_stands_for_the_path(story: Story) -> None:
    Play(story, KINDS["simple"]).run()


# -- by hand: what once was let through, or was not, against the documents ------------------------------------------------------------------------------

METHOD, ROUTE_KEY, PATH, STAGE, DOMAIN = CONTEXT_VARIABLES
WHOLE_KEY = (TOKEN_SOURCE, METHOD, ROUTE_KEY, PATH, DOMAIN)
USUAL = Reading()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everyone may do what is in `allows`. The gateway has the same routes, or those `served`. Of these calls of alice, to these custom domains, the last one
    must pass, or must not. Each sends these headers besides the token.
    """

    kind: str
    routes: list[str]
    allows: list[Any]
    paths: list[str]
    passes: bool = False
    identity: tuple[str, ...] = WHOLE_KEY
    reading: Reading = USUAL
    headers: tuple[tuple[str, str], ...] = ()
    domains: tuple[str, ...] = ()
    served: tuple[str, ...] = ()

    def last_status(self) -> int:
        document = _allowing([route for route in self.routes if route != DEFAULT], *self.allows)
        served = list(self.served or self.routes)
        played = Play(
            Story(self.routes, served, [document], "2.0", self.identity, TTL, self.reading, [], [], []),
            KINDS[self.kind],
        )
        gateway = played.gateway(HttpRouter(served, self.reading))
        played.world.publish(document)
        calls = zip_longest(self.paths, self.domains)
        return [gateway.request("GET", path, [("Authorization", "t1"), *self.headers], (), domain).status for path, domain in calls][-1]


OWN_ENTRY = {"route": OWN, "where": {"p0": "sub"}}
LIKE_A_PATH = f"/prod/o/{OWNER}/n/a"
TOYS = ["GET /pets/{p1}", "GET /pets/{p1}/{p2}"]
CROSSED = ["GET /a/{rest+}", "GET /{p0}/b"]
ATTEMPTS = {
    "a cookie with a space counts as the path": Attempt(
        "simple", [OWN], [OWN_ENTRY], [f"/o/{OWNER}/n/a;%20b", "/o/bob-2/n/7"],
        identity=(TOKEN_SOURCE, METHOD, ROUTE_KEY, "$request.header.Cookie"), headers=(("Cookie", f"{LIKE_A_PATH}; b"),),
    ),
    "the first of two headers counts as the path": Attempt(
        "simple", [OWN], [OWN_ENTRY], [f"/o/{OWNER}/n/a,b", "/o/bob-2/n/7"],
        identity=(TOKEN_SOURCE, METHOD, ROUTE_KEY, "$request.header.X-Tenant"), reading=Reading(repeated="first"),
        headers=(("X-Tenant", f"{LIKE_A_PATH},b"), ("X-Tenant", "c")),
    ),
    "one path under two host names": Attempt(
        "simple", ["GET /a/b", "GET /b"], ["GET /a/b"], ["/a/b", "/b"],
        identity=WHOLE_KEY[:-1], domains=("plain.example", "mapped.example"), served=("ANY /{rest+}",),
    ),
    "the first of two host names for which one path is allowed": Attempt(
        "simple", ["ANY /{rest+}"], ["ANY /{rest+}"], ["/a/b"], passes=True, domains=("plain.example",),
    ),
    "the whole caller, and an ARN that hides the route": Attempt("token", TOYS, TOYS[1:], ["/pets/a%2Fb"], identity=(TOKEN_SOURCE,)),
    "the whole caller, and a route that is in no catalogue": Attempt(
        "token", ["GET /{p0}", DEFAULT], ["GET /{p0}"], ["/x/y"], identity=(TOKEN_SOURCE,)
    ),
    "the whole caller, and a full match before a greedy one": Attempt("token", CROSSED, CROSSED[:1], ["/a/b"], identity=(TOKEN_SOURCE,)),
    **{
        f"one ARN for two routes, and no route in the key, {kind}": Attempt(
            kind, TOYS, TOYS[1:], ["/pets/a/b", "/pets/a%2Fb"], identity=(TOKEN_SOURCE, METHOD, PATH)
        )
        for kind in ("request", "route", "token")
    },
    **{
        f"a full match before a greedy one is allowed, {kind}": Attempt(kind, CROSSED, CROSSED[1:], ["/a/b"], passes=True)
        for kind in ("request", "route", "token", "simple")
    },
    **{
        f"a slash at the end leads past the route, {kind}, to {other}": Attempt(kind, ["GET /pets", other], ["GET /pets"], ["/pets/"])
        for kind in ("request", "route", "simple")
        for other in ("ANY /{rest+}", DEFAULT)
    },
    **{
        f"two slashes are not the root, {kind}, for {other}": Attempt(
            kind, ["GET /", other], ["GET /"], ["//"], reading=Reading(collapses=False)
        )
        for kind in ("request", "route", "token", "simple")
        for other in ("ANY /{rest+}", DEFAULT)
    },
    **{
        f"an encoded slash behind a bound value is no part of it, {kind}": Attempt(
            kind, ["GET /o/{p0}"], [{"route": "GET /o/{p0}", "where": {"p0": "sub"}}], [f"/o/{OWNER}%2F"]
        )
        for kind in ("request", "route", "simple")
    },
    "the whole caller, and a slash at the end that leads past the route": Attempt(
        "token", ["GET /pets/{p1}", "GET /{rest+}"], ["GET /pets/{p1}"], ["/pets/x/"], identity=(TOKEN_SOURCE,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_ends_as_the_document_says(name: str) -> None:
    assert (ATTEMPTS[name].last_status() == 200) is ATTEMPTS[name].passes

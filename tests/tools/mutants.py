"""Breaks what decides on purpose, one plausible way at a time, and sees that a test notices: `python -m tests.tools.mutants`.

Each mutant is made in a copy of the tree. One that no test kills is a hole in the tests: the exit code is 1 then.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
POLICY = "authorizer/policy"
IAM = f"{POLICY}/iam"
GUARD = "infra/local/request_guard.py"
VERIFIER = "authorizer/tokens/verifier.py"
JWKS = "authorizer/tokens/jwks.py"
CLAIMS = "authorizer/tokens/claims.py"
ENTRIES = "authorizer/tokens/issuer_entries.py"
DISCOVERY = "admin_api/cli/discovery.py"
PROPOSAL = "admin_api/cli/issuer_proposal.py"
INDEX = f"{POLICY}/permission_index.py"
FORGED_HEADER = "wanted = self._headers[header] = _checked_header(_json_object(header_bytes), self._algorithms)"
CACHE = "authorizer/table/cache.py"
MEMO = "authorizer/request_memo.py"
PLACES = "authorizer/events/token_places.py"
UNAUTHORIZED = "authorizer/unauthorized.py"
HISTORY = "admin_api/table/history.py"

QUICK = (
    *("tests/conformance/test_decisions.py", "tests/conformance/test_compiled.py", "tests/conformance/test_token_policies.py"),
    *("tests/unit/authorizer/policy", "tests/unit/admin_api/analysis"),
)
THOROUGH = (
    "tests/properties/test_decision_properties.py",
    "tests/properties/test_token_scope.py",
    "tests/properties/test_gateway_cache.py",
    "tests/properties/test_http_cache.py",
    "tests/properties/test_logged_decision.py",
    "tests/properties/test_spellings_of_values.py",
)
BY_GUARD = ("tests/infrastructure/test_request_guard.py",)
BY_TOKENS = ("tests/unit/authorizer/tokens/test_verifier.py",)
BY_ALGORITHMS = ("tests/unit/authorizer/tokens/test_algorithms.py",)
BY_CLAIMS = ("tests/unit/authorizer/tokens/test_claims.py",)
BY_DISCOVERY = ("tests/unit/admin_api/cli", "tests/integration/cli/test_issuer.py")
BY_ENTRIES = ("tests/unit/authorizer/tokens/test_issuer_entries.py",)
BY_ISSUERS = ("tests/conformance/test_issuers.py",)
BY_CACHE = ("tests/integration/test_permission_cache_trouble.py",)
BY_HISTORY = ("tests/integration/test_history.py",)
BY_RUNTIME = ("tests/unit/authorizer/test_runtime.py",)
BY_AGAIN = ("tests/integration/test_answers_again.py",)
BY_MEMO = ("tests/unit/authorizer/test_request_memo.py",)
BY_PLACES = ("tests/unit/authorizer/events/test_token_places.py",)
BY_REFUSAL = ("tests/integration/test_http_unauthorized.py",)
BY_EVENTS = ("tests/unit/authorizer/events/test_events.py",)
BY_BOUND = ("tests/integration/test_bound_values.py",)
BY_CALLER = ("tests/unit/authorizer/test_caller.py",)
BY_LIMIT = ("tests/integration/rest/test_time_limit.py",)
BY_CONSENT = ("tests/integration/test_delegated_clients.py",)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one place: `old`, which stands in the file exactly once, becomes `new`. `by` names the tests that must notice, if not those of the core."""

    name: str
    file: str
    old: str
    new: str
    by: tuple[str, ...] = ()


MUTANTS = (
    Mutant(
        "a parameter beats a literal",
        f"{POLICY}/route.py",
        "        if literal is not None:\n            yield literal\n        if self.parameter is not None:\n            yield self.parameter\n",
        "        if self.parameter is not None:\n            yield self.parameter\n        if literal is not None:\n            yield literal\n",
    ),
    Mutant(
        "ANY beats the verb",
        f"{POLICY}/route.py",
        'return node.routes.get(verb) or node.routes.get("ANY")',
        'return node.routes.get("ANY") or node.routes.get(verb)',
    ),
    Mutant(
        "a parameter may be empty",
        f"{POLICY}/route.py",
        "if (not value and not may_be_empty) or (segment",
        "if (segment",
    ),
    Mutant(
        "a REST API serves an empty tail",
        f"{POLICY}/request_path.py",
        'if http and path.endswith("/"):\n        with_tail',
        'if path.endswith("/"):\n        with_tail',
    ),
    Mutant(
        "an empty tail where `/docs` may be meant",
        f"{POLICY}/request_path.py",
        "if match is None or (beside is not None and not beside.route.is_greedy):",
        "if match is None:",
    ),
    Mutant(
        "a policy lets drift through",
        "authorizer/answering.py",
        "    policy = with_requested(policy, arn, decision, token_expiry=token_expiry)\n",
        "",
    ),
    Mutant(
        "a Deny in the way is not logged",
        "authorizer/answering.py",
        "if decision.allowed and not allows(policy, str(arn)):",
        "if False:",
    ),
    Mutant(
        "a value before a greedy tail",
        f"{POLICY}/cache_scope.py",
        "if route.is_greedy and any(segment.kind is SegmentKind.PARAMETER and segment.text in values for segment in route.segments):",
        "if False:",
    ),
    Mutant(
        "the backend's own parameters are not looked at",
        "authorizer/answering.py",
        "    return _held_to_parameters(target, request)\n",
        "    return target\n",
    ),
    Mutant(
        "`*` of a selector takes a greedy segment",
        f"{POLICY}/route.py",
        "segment.kind is not SegmentKind.GREEDY if wanted is None",
        "True if wanted is None",
    ),
    Mutant(
        "a verb is forgotten",
        f"{POLICY}/route.py",
        'VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")',
        'VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")',
    ),
    Mutant(
        "words of siblings are no longer reserved", f"{POLICY}/decision.py", " or value in reserved.get(binding.parameter, (value,))", ""
    ),
    Mutant(
        "a deny no longer wins",
        f"{POLICY}/decision.py",
        "    if denies:\n        return Decision(Effect.DENY",
        "    if denies and not allows:\n        return Decision(Effect.DENY",
    ),
    Mutant("a permission holds at the moment that it ends", f"{POLICY}/permission.py", "now < self.until", "now <= self.until"),
    Mutant("one spelling of a path is enough", f"{POLICY}/request_path.py", "    for other in others:", "    for other in ():"),
    Mutant(
        "dots in a path are taken",
        f"{POLICY}/request_path.py",
        '"|".join(pattern for pattern, _ in _UNSAFE_SPELLINGS)',
        '"|".join(pattern for pattern, _ in _UNSAFE_SPELLINGS[:3])',
    ),
    Mutant(
        "the told route is not compared",
        f"{POLICY}/request_path.py",
        "mismatch = target.problem is None and target.route != route",
        "mismatch = False",
    ),
    Mutant(
        "no Deny for longer paths",
        f"{IAM}/route_policy.py",
        "    if not route.is_greedy and any(len(values) < len(route.parameters) for values in spellings):",
        "    if False:",
    ),
    Mutant(
        "a value is held between wildcards",
        f"{IAM}/route_policy.py",
        "if not all(can_hold(route, dict(values)) for values in allowed):",
        "if False:",
    ),
    Mutant("a segment is decoded twice", f"{POLICY}/permission.py", "return unquote(segment) if", "return unquote(unquote(segment)) if"),
    Mutant("a percent sign may be bound", f"{POLICY}/permission.py", "r\"[!#&'()", "r\"[!%#&'()"),
    Mutant("true is bound as 1", f"{POLICY}/permission.py", "if type(value) is int and", "if isinstance(value, int) and"),
    Mutant(
        "what an HTTP API tells is decoded again",
        "authorizer/answering.py",
        "(there if is_http else decoded_segment(there))",
        "decoded_segment(there)",
        BY_BOUND,
    ),
    Mutant(
        "what an HTTP API does not tell is taken from the ARN",
        "authorizer/answering.py",
        "        if not is_http:\n            return target\n",
        "        return target\n",
        BY_BOUND,
    ),
    Mutant(
        "what an HTTP API's ARN holds is taken for what was sent",
        "authorizer/answering.py",
        "    return not _is_http(request) or any(decoded_segment(value) != value for value in target.parameters.values())",
        "    return True",
        BY_BOUND,
    ),
    Mutant(
        "a spelling is too long for a Resource",
        f"{IAM}/route_policy.py",
        "resources.update(resource for resource in more if len(resource) <= MAX_RESOURCE)",
        "resources.update(more)",
    ),
    Mutant(
        "spellings are too many for an answer",
        f"{IAM}/route_policy.py",
        "document = larger if size_of(larger) <= MAX_POLICY_BYTES else document",
        "document = larger",
    ),
    Mutant(
        "the answer for a route has one spelling",
        f"{IAM}/route_policy.py",
        "{values: spellings_of(dict(values)) for values in allowed} if as_sent else plain",
        "plain",
    ),
    Mutant(
        "a Deny has one spelling",
        f"{IAM}/token_policy.py",
        "        for text in verb.texts(pattern, every_spelling=every_spelling)\n        for end",
        "        for text in verb.texts(pattern, every_spelling=False)\n        for end",
    ),
    Mutant(
        "a fresh character that stands in a spelling",
        f"{IAM}/token_policy.py",
        "for spelled in spellings_of(dict(verb.values)) for text",
        "for spelled in [dict(verb.values)] for text",
    ),
    Mutant(
        "a list of names that nobody wrote",
        "authorizer/caller.py",
        'if not all(names) or ",".join(quote(name, safe="", errors="surrogatepass") for name in names) != text:',
        "if not all(names):",
        BY_CALLER,
    ),
    Mutant("a name without letters", "authorizer/caller.py", "if not all(names) or ", "if ", BY_CALLER),
    Mutant(
        "patterns of the caller's in an Allow",
        f"{IAM}/route_policy.py",
        "if decision.allowed and is_literal(text):",
        "if decision.allowed:",
    ),
    Mutant(
        "no slash at the end of a literal",
        f"{IAM}/route_policy.py",
        'return (path,) if not parts or parts[-1] == "*" or (slash_counts and is_value) else (path, path + "/")',
        "return (path,)",
    ),
    Mutant(
        "a slash at the end leads past the route",
        f"{POLICY}/request_path.py",
        'return _read_with_slash(target, gateway_template) if http and path.endswith("/") else target',
        "return target",
    ),
    Mutant("a full match before a greedy one", f"{POLICY}/request_path.py", "if http and target.route != route:", "if False:"),
    Mutant(
        "two routes under one ARN",
        "authorizer/answering.py",
        "if ruling.decision.allowed and KeyPart.ROUTE not in parts and not self._options.report_only:",
        "if False:",
    ),
    Mutant("two host names in one entry", "authorizer/answering.py", "if KeyPart.HOST not in parts and (", "if False and ("),
    Mutant("a slash at the end of a bound value", f"{IAM}/route_policy.py", " or (slash_counts and is_value)", ""),
    Mutant("guards are dropped", f"{IAM}/token_policy.py", "        denied.add(path)\n", "        pass\n"),
    Mutant("guards though none were asked for", f"{IAM}/token_policy.py", "        if not guards:\n", "        if False:\n"),
    Mutant("guards that take in allowed routes", f"{IAM}/token_policy.py", "        if hit is not None:\n", "        if False:\n"),
    Mutant(
        "a slash too many leads to another route",
        f"{IAM}/token_policy.py",
        "*(_SLASH_GUARDS if in_need else ())",
        "*()",
    ),
    Mutant(
        "an encoded slash leads to another route",
        f"{IAM}/token_policy.py",
        '_SLASH_GUARDS = ("/*", "*//*", "*%2F*", "*%2f*")',
        '_SLASH_GUARDS = ("/*", "*//*")',
    ),
    Mutant(
        "a prefix is widened over a forbidden route",
        f"{IAM}/token_policy.py",
        "if not covered and several and verb.known.within(wide, verb.mask):",
        "if not covered and several:",
    ),
    Mutant(
        "claim values that are words are taken",
        f"{IAM}/token_policy.py",
        "    for word in {*values} & {*words_of(catalog.routes)} if values else ():",
        "    for word in ():",
    ),
    Mutant(
        "`*` does not cross a slash",
        f"{IAM}/pattern_coverage.py",
        "result |= (deeper + first ^ deeper) & deeper if first else 0",
        "result |= first",
    ),
    Mutant(
        "a route of the verb does not shadow ANY",
        f"{IAM}/pattern_coverage.py",
        " if route.serves(verb) and catalog.find(verb, route.path) is route]",
        " if route.serves(verb)]",
    ),
    Mutant(
        "bound grants are kept for ever",
        f"{IAM}/pattern_coverage.py",
        "            self._bound.popitem(last=False)\n",
        "            break\n",
    ),
    Mutant(
        "a greedy parameter may be what no value was",
        f"{POLICY}/route.py",
        "set(range(first + 1, len(segments) + 1))",
        "{first + 1}",
    ),
    Mutant(
        "a told greedy route takes in nothing else",
        f"{POLICY}/route.py",
        "known = bool(self.below(path, verb))",
        "known = False",
    ),
    Mutant("any Host is answered", GUARD, "return name if is_own and port == str(self.port) else None", "return name", BY_GUARD),
    Mutant("any page is answered", GUARD, "if is_foreign or ", "if ", BY_GUARD),
    Mutant("any site is answered", GUARD, '"cross-site" in headers.get("sec-fetch-site", "").lower()', "False", BY_GUARD),
    Mutant("the emulator's root needs no signature", GUARD, "return None if failure is None else failure[1]", "return None", BY_GUARD),
    Mutant("the emulator's root goes by other names", GUARD, " and not _names_key(scope, headers)", "", BY_GUARD),
    Mutant("a known token outlives its end", VERIFIER, " and self.principal.good_from <= now < self.principal.expires_at", "", BY_TOKENS),
    Mutant("a known token outlives its key", VERIFIER, "self.key_set.key(*self.header) is self.key", "True", BY_TOKENS),
    Mutant(
        "a header that nobody signed is known",
        VERIFIER,
        "wanted = _checked_header(_json_object(header_bytes), self._algorithms)",
        FORGED_HEADER,
        BY_TOKENS,
    ),
    Mutant("an issuer signs with what another may", JWKS, "if algorithm not in self._algorithms:", "if False:", BY_ALGORITHMS),
    Mutant("a key of any curve serves", JWKS, ' and (kind == "RSA" or entry.get("crv") == "P-256")', "", BY_ALGORITHMS),
    Mutant("a key serves for what it does not say", JWKS, 'entry.get("alg", algorithm) == algorithm', "True", BY_ALGORITHMS),
    Mutant("a weak key serves", JWKS, "if size < MIN_KEY_BITS:", "if False:", BY_ALGORITHMS),
    Mutant("a named issuer binds any claim", CLAIMS, "return not self.name or claim in self.binding_claims", "return True", BY_CLAIMS),
    Mutant(
        "a rule for machines fits anybody",
        CLAIMS,
        'return value not in (None, False, "") if self.equals is None else value == self.equals',
        "return True",
        BY_CLAIMS,
    ),
    Mutant(
        "a client is named by any claim",
        CLAIMS,
        "return _text(claims, issuer.client_claim) in issuer.client_ids",
        'return _text(claims, "client_id") in issuer.client_ids',
        BY_CLAIMS,
    ),
    Mutant("a nameless entry may be another pool's", ENTRIES, "return pool_id_of(issuer) == self.id", "return True", BY_ENTRIES),
    Mutant("our directory mints a partner's groups", CLAIMS, 'name.partition(":")[0] in issuer.foreign_names', "False", BY_ISSUERS),
    Mutant(
        "whoever answers names another issuer's keys",
        PROPOSAL,
        'if asked.rstrip("/") != said.rstrip("/") and not entra and not emulator:',
        "if False:",
        BY_DISCOVERY,
    ),
    Mutant("access tokens may be of another host", PROPOSAL, "if _host(issuer) != _host(said):", "if False:", BY_DISCOVERY),
    Mutant("an emulator may be anywhere", PROPOSAL, "kind is COGNITO and _is_local(asked) and", "kind is COGNITO and", BY_DISCOVERY),
    Mutant("a discovery document may be elsewhere", DISCOVERY, "build_opener(_StayHere)", "build_opener()", BY_DISCOVERY),
    Mutant("bits left over are let pass", VERIFIER, "if segment[-1] not in _LAST_CHARACTERS[left_over]:", "if False:", BY_TOKENS),
    Mutant("the index forgets exceptions", INDEX, " and not p.leaves_out(verb, route)", "", ("tests/properties/test_permission_index.py",)),
    Mutant("token policies forget exceptions", f"{IAM}/token_policy.py", "if not p.leaves_out(verb, base.routes[number])", "if True"),
    Mutant("any exception takes all out", f"{POLICY}/permission.py", "any(parse_selector(text).matches(verb, route) for", "any(True for"),
    Mutant(
        "`*` is a greedy parameter", INDEX, "words = (part,) if depth == last and route.is_greedy else (part, _ANY)", "words = (part, _ANY)"
    ),
    Mutant(
        "`**` is not the route itself", INDEX, "            found += node.open or ()\n        methods", "            pass\n        methods"
    ),
    Mutant("an altered row is served", CACHE, "if row.sha256 != named.sha256:", "if False:", BY_CACHE),
    Mutant("an altered entry of the denylist is taken", CACHE, "if entry is not None and shown == version and", "if False and", BY_CACHE),
    Mutant("a row that no version wrote is overlooked", HISTORY, "if (item.pk, item.sk) not in expected", "if False", BY_HISTORY),
    Mutant("an altered row is published from", HISTORY, "if named is not None and (keys", "if False and (keys", BY_HISTORY),
    Mutant("an answer is given to another bearer", MEMO, "self.same is same", "True", BY_MEMO),
    Mutant("an answer outlives the permissions that it rests on", MEMO, "self.permissions is caller.loaded.permissions", "True", BY_MEMO),
    Mutant("an answer outlives the catalogue", MEMO, "self.catalog is caller.loaded.catalog", "True", BY_MEMO),
    Mutant("an answer outlives the end of a permission", MEMO, "self.since <= caller.grounds.now < self.until", "True", BY_MEMO),
    Mutant(
        "another caller's claims are not looked at", "authorizer/answering.py", "return claims, self._expiry(caller)", "return 0", BY_AGAIN
    ),
    Mutant(
        "the policy of an answer is that of the next",
        "authorizer/events/wire.py",
        'copied(response["policyDocument"])',
        'response["policyDocument"]',
        ("tests/unit/authorizer/test_answers.py",),
    ),
    Mutant(
        "an answer from memory precedes the denylist",
        "authorizer/authorize.py",
        "        _check_denylist(principal, loaded, now)",
        "        _ = self._outcomes._kept or _check_denylist(principal, loaded, now)",
        BY_AGAIN,
    ),
    Mutant("an answer is given for another question", MEMO, "self.asked == asked", "True", BY_MEMO),
    Mutant(
        "a question forgets the gateway's template",
        "authorizer/events/wire.py",
        "self.method_arn, self.gateway_template, self.cache_key_parts",
        "self.method_arn, self.cache_key_parts",
        BY_MEMO,
    ),
    Mutant(
        "an answer to one message is the answer to the next",
        "authorizer/events/wire.py",
        '"context": dict(response["context"])',
        '"context": response["context"]',
        ("tests/unit/authorizer/test_answers.py",),
    ),
    Mutant(
        "any Cookie header holds the token",
        PLACES,
        "return bool(values) and tuple(_cookies_named(place.name, source)) == values",
        "return bool(values)",
        BY_PLACES,
    ),
    Mutant("one of two tokens is in the key", PLACES, "    if len(tokens) != 1:\n        return ()\n", "", BY_PLACES),
    Mutant(
        "a token is looked for in the first place only",
        PLACES,
        "for kind, name in places for",
        "for kind, name in places[:1] for",
        BY_PLACES,
    ),
    Mutant(
        "a key of another place holds the token",
        "authorizer/events/http_2.py",
        "tokens=token_sources(event, places, tokens, sources or ()),",
        "tokens=sources or (),",
        BY_PLACES,
    ),
    Mutant(
        "a refusal is remembered for everybody",
        UNAUTHORIZED,
        " or KeyPart.TOKEN not in (request.cache_key_parts or ())",
        "",
        BY_REFUSAL,
    ),
    Mutant("a refusal outlives its reason", UNAUTHORIZED, "error.reason not in FOR_GOOD or ", "", BY_REFUSAL),
    Mutant(
        "a request with headers is a TOKEN authorizer's",
        "authorizer/events/__init__.py",
        '"authorizationToken" in event and "headers" not in event',
        '"authorizationToken" in event',
        BY_EVENTS,
    ),
    Mutant(
        "a zip for another Python is taken", "authorizer/runtime.py", '(built["python"], built["machine"]) != here', "False", BY_RUNTIME
    ),
    Mutant(
        "a request computes for ever",
        "admin_api/publishing/time_limit.py",
        "if self._clock() - self._start > self.seconds:",
        "if False:",
        BY_LIMIT,
    ),
    Mutant("a person needs no consent", f"{POLICY}/decision.py", "if all(met):", "if met[0]:"),
    Mutant("a consent is enough", f"{POLICY}/decision.py", "if all(met):", "if any(met):"),
    Mutant("a consent to nothing is none", f"{POLICY}/decision.py", "    elif held.consent is None:\n", "    elif not held.consent:\n"),
    Mutant("two sides last as long as the longer one", f"{POLICY}/decision.py", "min(end, other_end)", "max(end, other_end)"),
    Mutant(
        "a policy is found by the groups alone",
        "authorizer/answering.py",
        "self.principal.consent if self.is_delegated else None",
        "()",
        BY_CONSENT,
    ),
    Mutant(
        "a client that was not read is not delegated",
        CACHE,
        "if not asked.consent or not self._here(state, asked.consent[0], cause).is_delegated:",
        "if not asked.consent or asked.consent[0] not in state.subjects or not self._here(state, asked.consent[0], cause).is_delegated:",
        BY_CONSENT,
    ),
    Mutant("a delegated client's own allows are people's", CACHE, "(client.denies, *(row", "(client.index, *(row", BY_CONSENT),
    Mutant(
        "a shadow knows no consent", "authorizer/request_loop.py", "principal.refs, principal.consent,", "principal.refs, (),", BY_CONSENT
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Run them all, or those whose name holds a word."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("word", nargs="?", default="", help="only mutants with this in their name")
    word = parser.parse_args(arguments).word
    chosen = [mutant for mutant in MUTANTS if word in mutant.name]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder) / "tree"
        _copy(tree)
        spoilt = _failing(tree, QUICK)
        if spoilt:
            # A test that fails anyway would be counted as the killer of every mutant.
            print(f"{spoilt} fails without any mutant: mend that first")
            return 2
        for number, mutant in enumerate(chosen, 1):
            print(f"{number:2}/{len(chosen)} {mutant.name:<46} ", end="", flush=True)
            killer = _killer(tree, mutant)
            survivors += killer is None
            print(f"killed by {killer}" if killer else "SURVIVED", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def _copy(tree: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)


def _killer(tree: Path, mutant: Mutant) -> str | None:
    """The first test that fails with the mutant in place, or None."""
    path = tree / mutant.file
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        suites = (mutant.by,) if mutant.by else (QUICK, THOROUGH)
        return next(filter(None, (_failing(tree, tests) for tests in suites)), None)
    finally:
        path.write_text(original, encoding="utf-8")


def _failing(tree: Path, tests: tuple[str, ...]) -> str | None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    # The copy, not the installed package, is what shall be imported.
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"PYTHONPATH": str(tree)}
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", result.stdout, re.MULTILINE)
    return found[1] if found else f"{' '.join(tests)}: pytest ended with {result.returncode}"


if __name__ == "__main__":
    sys.exit(main())

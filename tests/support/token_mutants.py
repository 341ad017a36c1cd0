"""Random mutants of good tokens, and who judges how they end: as a good token, letter by letter, or as an error of ours that repeats nothing of it.

Mutants of signed tokens must all be refused. Those that are changed and signed again are judged by an oracle of their own, which knows what may be wrong with
a token, but not in which order that is looked for; most are verified with a key that takes every signature, because signing is what costs time.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, cast

from jose.backends.base import Key

from authorizer.errors import TokenError
from authorizer.tokens.claims import Principal, TrustedIssuer
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.verifier import TokenVerifier, bearer_token
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, Issuer, b64, sign, token_reasons, told_of, verifier

US = Issuer()
AUDIENCE = "https://api.example"
TRUSTED = TrustedIssuer("", ISSUER, "https://keys.example/ours", frozenset({CLIENT_ID}), frozenset({AUDIENCE}), "access")
HEADER = {"kid": US.kid, "alg": "RS256", "typ": "JWT"}
CLAIMS = US.access_claims("guest", "owner", aud=[AUDIENCE], nbf=NOW - 10, note="canary-note")
MACHINE = US.machine_claims("pets/read", "pets/write", aud=AUDIENCE, note="canary-note")
OF_THE_VALUE = {"missing_token", "malformed_authorization"}


class _Obliging(KeySet):
    """Has a key that takes every signature."""

    class _Key:
        def verify(self, _message: bytes, _signature: bytes) -> bool:
            return True

    def key(self, kid: str, algorithm: str = "RS256") -> Key:
        return cast(Key, self._Key()) if kid == US.kid else super().key(kid, algorithm)


def frozen_now() -> float:
    return NOW


STRICT = verifier([TRUSTED], lambda _uri: US.jwks(), frozen_now)
OBLIGING = TokenVerifier([TRUSTED], {ISSUER: _Obliging(TRUSTED.jwks_uri, fetch=lambda _uri: US.jwks(), now=frozen_now)}, frozen_now)


@lru_cache
def good_tokens() -> tuple[str, ...]:
    return tuple(sign(US.key, header, claims) for header in (HEADER, {"kid": US.kid, "alg": "RS256"}) for claims in (CLAIMS, MACHINE))


# -- mutations of text ----------------------------------------------------------------------------------------------------------------------------------

URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ODD = [
    ".",
    "..",
    "=",
    "==",
    "+",
    "/",
    " ",
    "\n",
    "\t",
    "\x00",
    ",",
    "%2E",
    "é",
    "\uff21",
    "\u200b",
    "\ud800",
    "{}",
    '"',
    "\u212a",
    "\uff0e",
    "~",
]


def _changed_character(chance: Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(URL_ALPHABET) + text[at + 1 :]


def _inserted(chance: Random, text: str) -> str:
    at = chance.choice((0, len(text), chance.randrange(len(text) + 1)))
    return text[:at] + chance.choice(ODD) * chance.choice((1, 1, 2, 4)) + text[at:]


def _without_slice(chance: Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at + chance.choice((1, 2, 3, 4, 50, 10_000)) :]


def _slice_again(chance: Random, text: str) -> str:
    at, to = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
    return text[:to] + text[at : at + chance.choice((1, 4, 100))] + text[to:]


def _other_case(chance: Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


def _segments_mixed(chance: Random, text: str) -> str:
    segments = text.split(".") + chance.choice(good_tokens()).split(".")
    return ".".join(chance.choice(segments) for _ in range(chance.choice((1, 2, 3, 3, 3, 3, 4, 5))))


def _flipped_bit(chance: Random, text: str) -> str:
    """In what a segment decodes to: the mutant is well spelled."""
    segments = text.split(".")
    at = chance.randrange(len(segments))
    try:
        data = bytearray(base64.urlsafe_b64decode(segments[at] + "=="))
    except ValueError:
        return _changed_character(chance, text)
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    segments[at] = b64(bytes(data))
    return ".".join(segments)


def _much_more(chance: Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(("A", "_", ".")) * chance.choice((10, 300, 5_000, 17_000)) + text[at:]


def _empty_segment(chance: Random, text: str) -> str:
    segments = text.split(".")
    segments[chance.randrange(len(segments))] = chance.choice(("", "A", "AA", "e30", "bnVsbA"))
    return ".".join(segments)


TEXT_MUTATIONS = (
    *(
        _changed_character,
        _inserted,
        _without_slice,
        _slice_again,
        _other_case,
        _segments_mixed,
        _flipped_bit,
        _flipped_bit,
        _empty_segment,
    ),
    _much_more,
)


# -- mutations of JSON ----------------------------------------------------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, -0.0, NOW, NOW + 1, NOW - 1, NOW + 61, NOW + 60, NOW + 0.5, 2**40, 2**40 - 1, 10**400, 1e30, 2**63),
    *(
        "",
        " ",
        "none",
        "RS256",
        "HS256",
        "rs256",
        "access",
        "id",
        "JWT",
        "at+jwt",
        "kid-1",
        "kid-2",
        "admin",
        "\x00",
        "\ud800",
        "\u202e",
        "é" * 9,
    ),
    *(ISSUER, ISSUER + "/", CLIENT_ID, AUDIENCE, "x" * 256, "x" * 257, "x " * 101, "x " * 100, "x" * 3000, "../etc", "${jndi:x}"),
    *(
        [],
        {},
        [[]],
        [None],
        [""],
        ["admin"],
        ["guest", 1],
        ["x"] * 100,
        ["x"] * 101,
        [AUDIENCE],
        [AUDIENCE, "x"],
        {"admin": 1},
        {"a": {"b": [None]}},
    ),
)
HEADER_NAMES = ("alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "cty", "enc", "iss", "")
CLAIM_NAMES = (
    *(
        "iss",
        "sub",
        "client_id",
        "aud",
        "token_use",
        "exp",
        "nbf",
        "iat",
        "auth_time",
        "jti",
        "origin_jti",
        "scope",
        "username",
        "cognito:groups",
    ),
    *("cognito:username", "alg", "note", "groups", "roles", ""),
)
# Raw pieces of JSON, and what only looks like it. Depth is either far below or far above what a reader may refuse.
PIECES = (
    *(
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"9" * 5000,
        b"[" * 5000,
        b'{"":' * 2000,
        b"[" * 20 + b"]" * 20,
        b"null",
        b"true",
    ),
    *(
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\\u0000",
        b"\\ud800",
        b"\\",
        b'"',
        b",",
        b":",
        b"{",
        b"}",
        b"]",
        b"//",
        b"'",
    ),
    *(
        b'"exp":1,',
        b'"alg":"none",',
        b'"kid":"kid-1",',
        b'"iss":null,',
        b'"cognito:groups":["admin"],',
        b'"\\u0065xp":9999999999,',
        b"\n",
        b"\xc2\xa0",
    ),
)


def _mutated_value(chance: Random, value: Any) -> Any:
    near: list[Callable[[], Any]] = [lambda: chance.choice(VALUES), lambda: [value], lambda: {"": value}, lambda: json.dumps(value)]
    if isinstance(value, str) and value:
        near += [lambda: _changed_character(chance, value), lambda: _inserted(chance, value), value.upper, lambda: value * 2] * 2
    if isinstance(value, int):
        near += [
            lambda: value + chance.choice((-(10**4), -60, -1, 1, 60, 10**4)),
            lambda: float(value % 2**53),
            lambda: str(value),
            lambda: -value,
        ] * 2
    if isinstance(value, list) and value:
        near += [lambda: [*value, chance.choice(VALUES)], lambda: value * chance.choice((2, 60)), lambda: value[1:], lambda: value[0]] * 2
    return chance.choice(near)()


def mutated_object(chance: Random, good: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The object with a few members changed, taken out, added, or given each other's values."""
    changed = dict(good)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice(list(changed) or [""])
        match chance.randrange(7):
            case 0:
                changed.pop(name, None)
            case 1 | 2:
                changed[chance.choice(names)] = chance.choice(VALUES)
            case 3:
                changed[name] = changed.get(chance.choice(names))
            case _:
                changed[name] = _mutated_value(chance, changed.get(name))
    return changed


def mutated_bytes(chance: Random, data: bytes) -> bytes:
    """JSON text with a few bytes changed, or pieces put in."""
    for _ in range(chance.choice((1, 1, 2))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + chance.choice((1, 2, 10)) :]
            case 2:
                data = data[:at] + data[chance.randrange(len(data) + 1) :][:20] + data[at:]
            case _:
                # Mostly where a value or a member may stand.
                places = [place + 1 for place, byte in enumerate(data) if byte in b"{[:,"] or [at]
                at = chance.choice((at, *[chance.choice(places)] * 3))
                data = data[:at] + chance.choice(PIECES) + data[at:]
    return data


def mutated_parts(chance: Random) -> tuple[bytes, bytes]:
    """Header and claims, of which at least one is changed."""
    parts: list[bytes] = []
    spoilt = chance.choice(((True, False), (False, True), (False, True), (True, True)))
    kinds = ((HEADER, HEADER_NAMES), (chance.choice((CLAIMS, MACHINE)), CLAIM_NAMES))
    for (good, names), change in zip(kinds, spoilt, strict=True):
        value = mutated_object(chance, good, names) if change and chance.random() < 0.7 else good
        data = json.dumps(value).encode()
        parts.append(mutated_bytes(chance, data) if change and (value is good or chance.random() < 0.1) else data)
    return parts[0], parts[1]


# -- the oracle -----------------------------------------------------------------------------------------------------------------------------------------


def _read(data: bytes) -> dict[str, Any] | None:
    """The object, or None if it is none that every reader reads in the same way."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if pairs and max(Counter(name for name, _ in pairs).values()) > 1:
            raise ValueError
        return dict(pairs)

    def no_number(_text: str) -> None:
        raise ValueError

    try:
        value = json.loads(str(data, "utf-8", "strict"), object_pairs_hook=once, parse_constant=no_number)
    except (ValueError, RecursionError):
        return None
    return value if type(value) is dict else None


def _is_moment(value: object) -> bool:
    return type(value) in (int, float) and 0 <= cast(float, value) < 2**40


def faults(header: dict[str, Any], claims: dict[str, Any]) -> set[str]:
    """Every reason for which a signed token may be refused."""
    typ = header.get("typ", "jwt")
    times = {name: claims[name] for name in ("exp", "nbf", "iat", "auth_time") if name in claims}
    moments = {name: int(value) for name, value in times.items() if _is_moment(value)}
    # Cognito's other name for the user is read only where the first is missing.
    other_name = () if claims.get("username") else ("cognito:username",)
    texts = [claims[name] for name in ("client_id", "jti", "origin_jti", "username", *other_name) if claims.get(name) is not None]
    groups, sub, audience = told_groups(claims), claims.get("sub"), claims.get("aud", [])
    scopes = told_scopes(claims)
    audiences = [audience] if type(audience) is str else audience
    is_audience = type(audiences) is list and all(type(name) is str for name in audiences)
    wrong = {
        "algorithm": header.get("alg") != "RS256",
        "critical_header": "crit" in header or "b64" in header,
        "type": type(typ) is not str or typ.lower() not in ("jwt", "at+jwt", "application/jwt", "application/at+jwt"),
        "unknown_kid": header.get("kid") != US.kid,
        "issuer": claims.get("iss") != ISSUER,
        "claim_type": moments.keys() != times.keys() or any(type(text) is not str for text in texts) or not is_audience,
        "expired": moments.get("exp", NOW + 1 if "exp" in times else 0) <= NOW,
        "not_yet_valid": moments.get("nbf", 0) > NOW + 60,
        "issued_in_future": max(moments.get("iat", 0), moments.get("auth_time", 0)) > NOW + 60,
        "token_use": claims.get("token_use") != "access",
        "client_id": claims.get("client_id") != CLIENT_ID,
        "audience": is_audience and AUDIENCE not in audiences,
        "subject": type(sub) is not str or not 1 <= len(sub) <= 256 or not sub.isprintable(),
        "groups": type(groups) is not list or any(type(name) is not str or name == "" for name in groups),
        "scope": is_machines(claims) and (type(scopes) is not list or any(type(name) is not str for name in scopes)),
        "too_many_refs": is_machines(claims) and type(scopes) is list and len([name for name in scopes if name != ""]) > 100,
    }
    return {reason for reason, holds in wrong.items() if holds}


def told_groups(claims: dict[str, Any]) -> Any:
    """A name alone is a list of one, null is none."""
    groups = claims.get("cognito:groups")
    return [] if groups is None else [groups] if type(groups) is str else groups


def told_scopes(claims: dict[str, Any]) -> Any:
    scopes = claims.get("scope")
    return [] if scopes is None else scopes.split(" ") if type(scopes) is str else scopes


def is_machines(claims: dict[str, Any]) -> bool:
    """A machine has no name and no groups, and its subject is its client."""
    named = {"username", "cognito:username", "cognito:groups"} & claims.keys()
    return not named and claims.get("sub") == claims.get("client_id")


def assert_told_rightly(principal: Principal, claims: dict[str, Any]) -> None:
    groups, scopes = told_groups(claims), told_scopes(claims)
    is_scopes = type(scopes) is list and all(type(name) is str for name in scopes)
    through = {f"client/{CLIENT_ID}", *(f"scope/{name}" for name in scopes if name)} if is_scopes else {f"client/{CLIENT_ID}"}
    is_machine = is_machines(claims)
    refs = {"everyone", *(f"group/{name}" for name in groups)}
    assert {str(ref) for ref in principal.refs} == refs | (through if is_machine else set())
    assert {str(ref) for ref in principal.consent} == (set() if is_machine else through)
    assert (principal.subject, principal.groups, principal.is_machine) == (claims["sub"], tuple(groups), is_machine)
    assert principal.expires_at == int(claims["exp"])


# -- verification ---------------------------------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _pieces(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 8] for at in range(len(text) - 7))


def answer_of(verify: Callable[[str], Principal], token: str) -> Principal | TokenError:
    try:
        return verify(token)
    except TokenError as error:
        return error


@dataclass(slots=True)
class Judge:
    """Counts how mutants end."""

    counts: Counter[str]
    messages: Counter[str]

    def end(self, verify: Callable[[str], Principal], token: str) -> tuple[str, Principal | None]:
        """`accepted` or the reason of a refusal. Any other exception is a failure of the test."""
        answer = answer_of(verify, token)
        if isinstance(answer, Principal):
            self.counts["accepted"] += 1
            return "accepted", answer
        text = f"{answer} {answer!r}"
        self.counts[answer.reason] += 1
        self.messages[text] += 1
        assert answer.reason in token_reasons() | OF_THE_VALUE
        assert "canary" not in text
        assert not [piece for piece in _pieces(text) if piece in token]
        if answer.__context__ is not None or answer.__cause__ is not None:
            assert told_of(answer, token) == []
        return answer.reason, None


def verify_header(token: str) -> Principal:
    return STRICT.verify(bearer_token(f"Bearer {token}"))


def _as_signed(header: bytes, claims: bytes) -> str:
    return f"{b64(header)}.{b64(claims)}.{b64(bytes(256))}"


def judge_spelling(judge: Judge, chance: Random) -> None:
    token = chance.choice(good_tokens())
    for _ in range(chance.choice((1, 1, 2, 4))):
        token = chance.choice(TEXT_MUTATIONS)(chance, token)
    through_the_header = chance.random() < 0.2
    ended, _ = judge.end(verify_header if through_the_header else STRICT.verify, token)
    assert (ended == "accepted") == ((token.strip() if through_the_header else token) in good_tokens())


def judge_unsigned(judge: Judge, chance: Random) -> None:
    header, claims = mutated_parts(chance)
    token = f"{b64(header)}.{b64(claims)}.{chance.choice(good_tokens()).split('.')[2]}"
    ended, _ = judge.end(STRICT.verify, token)
    assert (ended == "accepted") == (token in good_tokens())


def _judge_signed(judge: Judge, verify: Callable[[str], Principal], header: bytes, claims: bytes, token: str) -> None:
    read = _read(header), _read(claims)
    possible = faults(HEADER if read[0] is None else read[0], CLAIMS if read[1] is None else read[1])
    if None in read:
        possible.add("malformed")
    if len(token) > 16_384:
        possible = {"too_large"}
    ended, principal = judge.end(verify, token)
    if principal is None:
        assert ended in possible
    else:
        assert possible == set()
        assert_told_rightly(principal, read[1] or {})


def judge_taken_for_signed(judge: Judge, chance: Random) -> None:
    header, claims = mutated_parts(chance)
    _judge_signed(judge, OBLIGING.verify, header, claims, _as_signed(header, claims))


def judge_signed(judge: Judge, chance: Random) -> None:
    header, claims = mutated_parts(chance)
    _judge_signed(judge, STRICT.verify, header, claims, sign(US.key, header, claims))


JUDGES = {"spelling": judge_spelling, "unsigned": judge_unsigned, "taken for signed": judge_taken_for_signed, "signed": judge_signed}

_MANY = [kind for kind, share in {"spelling": 10, "unsigned": 5, "taken for signed": 10, "signed": 1}.items() for _ in range(share)]


def play(seed: int, number: int, counts: Counter[str]) -> None:
    """One mutant of one of the kinds. Raises `AssertionError` with what is needed to see it again."""
    kind = _MANY[number % len(_MANY)]
    judge = Judge(Counter(), Counter())
    try:
        JUDGES[kind](judge, Random(f"{seed} {kind} {number}"))
    except Exception as error:  # a crash needs its story as much as a wrong answer
        raise AssertionError(f"{type(error).__name__}: {error}\nGATEBOOK_SEED={seed}, mutant {number}, {kind}") from error
    counts["mutated tokens"] += 1
    counts[f"mutated tokens, {'accepted' if judge.counts['accepted'] else 'refused'}"] += 1

"""What an HTTP API's cache key holds, as far as the event shows it.

API Gateway passes the values of the authorizer's identity sources, not their names ("Input to an HTTP API Lambda authorizer", developer guide). A value that
the caller could have written into a header or the query string proves nothing: it counts as no part of the key.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, unquote_plus

from authorizer.events.fields import list_of, map_of, text_of
from authorizer.policy.cache_scope import ALL_PARTS, KeyPart

# A path of other characters may be spelled in several ways, of which the caller could have sent one in a header that is an identity source.
_PLAIN = re.compile(r"[A-Za-z0-9/_.~:-]+")


def keyed_parts(
    sources: Iterable[str] | None,
    *,
    tokens: Iterable[str],
    verb: str | None,
    route_key: str | None,
    paths: Iterable[str],
    untrusted: Iterable[str],
    host: str | None = None,
) -> frozenset[KeyPart]:
    """Return the parts that the values of the identity sources show, None for no identity sources. `paths` are the spellings that `$context.path` may have.

    `untrusted` are the caller's own words. `host` is the name that the request was sent to, if it may be counted as one of the values.
    """
    if sources is None:
        # An HTTP API remembers nothing without identity sources ("Caching authorizer responses", developer guide).
        return ALL_PARTS
    all_values = set(sources)
    shown = {KeyPart.TOKEN} if all_values & set(tokens) else set()
    values = all_values - set(untrusted)
    if verb in values:
        shown.add(KeyPart.METHOD)
    if route_key in values and "," not in route_key:
        shown.add(KeyPart.ROUTE)
        if route_key.startswith(f"{verb} "):
            shown.add(KeyPart.METHOD)
    if any(path in values and (_PLAIN.fullmatch(path) or not _is_said(path, untrusted)) for path in paths):
        shown.add(KeyPart.PATH)
    if host in all_values:
        shown.add(KeyPart.HOST)
    return frozenset(shown)


def _is_said(path: str, words: Iterable[str]) -> bool:
    """Return whether any of these may be another spelling of the path: encoded, or cut and joined in another way."""
    letters = _letters(path)
    return any(letters in _letters(word) for word in words)


def _letters(text: str) -> str:
    for _ in range(6):
        text = unquote(text)
    # Letters beyond ASCII are told in one character set or another.
    return "".join(character for character in text if character.isascii() and character.isalnum())


def host_name(event: Mapping[str, Any]) -> str | None:
    """Return the name that the request was sent to, None if the caller wrote it anywhere but where requests name their host."""
    name = text_of(map_of(event, "requestContext").get("domainName"))
    headers = {sent_name: value for sent_name, value in map_of(event, "headers").items() if sent_name.lower() != "host"}
    elsewhere = {**event, "headers": headers, "requestContext": None}
    return None if name in sent_values(elsewhere) else name


def sent_values(event: Mapping[str, Any]) -> set[str]:
    """Return every value that the caller writes as it likes, whole and between commas: headers, query string, cookies, and the host name, of which a custom
    domain with a wildcard leaves a part to the caller."""
    context, cookies = map_of(event, "requestContext"), list_of(event, "cookies")
    maps = [map_of(event, name) for name in ("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters")]
    values = [value for sent in maps for value in sent.values()] + cookies
    values += [context.get("domainName"), context.get("domainPrefix")]
    # The Cookie header is told in pieces.
    values += ["".join(cookie for cookie in cookies if isinstance(cookie, str))]
    texts = [text for value in values for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    # Nothing says whether an identity source holds a query parameter as it was sent or decoded.
    texts += [unquote_plus(text) for text in texts if "%" in text or "+" in text]
    return {*texts, *(piece.strip() for text in texts for piece in text.split(","))}

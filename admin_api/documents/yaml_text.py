"""YAML as nodes that know their lines. A text in plain spelling is parsed by libyaml, ten times as fast as by Python, and any other by PyYAML itself.

The two do not read everything alike: they differ over tabs, over places that were left empty, and in their words for what is wrong. So libyaml is given only
texts whose lines all have one of a few forms, over which they agree; a test holds each against the other for as many texts as one likes. Whatever libyaml
finds wrong is read again by PyYAML, so that every error is PyYAML's, with its line.
"""

import re
from collections.abc import Iterable, Iterator

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from admin_api.documents.strict_json import MAX_DEPTH
from authorizer.policy.problems import DocumentError, Problem

_MAX_LINE = 1000
"""A name must end within 1,024 characters (YAML 1.1, section 7.3.2): no line of a plain text comes near."""

_QUOTED = r"""(?:"[ !#-\[\]-~]*+"|'[ -&(-~]*+')"""

# A colon within a word is part of it, as in a moment; `:` before a space is not, and no word ends in one.
_WORD = r"[A-Za-z0-9_./@$+*=()-]++(?::[A-Za-z0-9_./@$+*=()-]++)*+"
_FLOW_SCALAR = rf"(?:[A-Za-z0-9/_](?:{_WORD})?+(?: {_WORD})*+|{_QUOTED})"

# Between brackets of flow collections a brace would begin or end one. Elsewhere `{petId}` is text within a word.
_BLOCK_WORD = _WORD.replace("()", "(){}")
_SCALAR = rf"(?:[A-Za-z0-9/_](?:{_BLOCK_WORD})?+(?: {_BLOCK_WORD})*+|{_QUOTED})"


def _collection(inner: str) -> str:
    """Return what a scalar matches, or a list or mapping of what `inner` matches, on one line: `[a, b]`, `{a: b}`."""
    pair = rf"{_FLOW_SCALAR}: {inner}"
    return rf"(?:{_FLOW_SCALAR}|\[(?:{inner}(?:, {inner})*+)?+\]|\{{(?:{pair}(?:, {pair})*+)?+\}})"


_FLOW = _collection(_collection(_collection(_FLOW_SCALAR)))
_VALUE = rf"(?:{_SCALAR}(?=$| +#)|{_FLOW})"

# Nothing, a comment, a document's start, `name: value` or `name:` behind any number of `- `, or `- value`.
_PLAIN_LINE = re.compile(rf" *+|(?: *+)#[ -~]*+|---|(?: *+)(?:- )*+(?:{_SCALAR}:(?: {_VALUE})?+|(?<=- ){_VALUE})(?: ++#[ -~]*+)?+")


class _EventComposer(Composer, Resolver):
    """Makes nodes of events that were parsed before."""

    def __init__(self, events: Iterable[yaml.Event]) -> None:
        Composer.__init__(self)
        Resolver.__init__(self)
        self._events = [*events]
        self._at = 0

    def check_event(self, *choices: type[yaml.Event]) -> bool:
        """Return whether the next event is one of these kinds."""
        return self._at < len(self._events) and isinstance(self._events[self._at], choices)

    def peek_event(self) -> yaml.Event:
        """Return the next event."""
        return self._events[self._at]

    def get_event(self) -> yaml.Event:
        """Return the next event and go on to the one after it."""
        self._at += 1
        return self._events[self._at - 1]


def read_nodes(text: str) -> Iterator[yaml.Node]:
    """Yield the root node of each document of a text. Raises `yaml.YAMLError`, and `DocumentError` for aliases and where it is nested too deeply."""
    composer = _EventComposer(_fast_events(text) or _events(text))
    # It passes the start of the stream.
    composer.check_node()
    while (node := composer.get_node()) is not None:
        yield node


def line_of(place: yaml.Node | yaml.Event) -> int:
    """Return the line at which a node or an event begins, 1 for the first."""
    return place.start_mark.line + 1 if place.start_mark is not None else 1


def is_plain(text: str) -> bool:
    """Return whether every line of a text has a form over which libyaml and PyYAML agree."""
    return all(len(line) <= _MAX_LINE and _PLAIN_LINE.fullmatch(line) is not None for line in text.split("\n"))


def _fast_events(text: str) -> list[yaml.Event] | None:
    """Return the events of a text as libyaml parses them, None where PyYAML is to do it."""
    # PyYAML may have been installed without libyaml.
    if not yaml.__with_libyaml__ or not is_plain(text):
        return None
    try:
        events = list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return None
    return _checked(events)


def _events(text: str) -> list[yaml.Event]:
    return _checked(yaml.parse(text, Loader=yaml.SafeLoader))


def _checked(events: Iterable[yaml.Event]) -> list[yaml.Event]:
    """Return the events. Aliases are looked for before anything follows them: nested ones would grow without bound."""
    checked = []
    depth = 0
    for event in events:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise DocumentError([Problem("", f"line {line_of(event)} is nested too deeply")])
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError([Problem("", f"line {line_of(event)} uses the alias `*{event.anchor}`: write the text out")])
        checked.append(event)
    return checked

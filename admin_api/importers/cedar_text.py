"""Cedar policies as far as an API of Amazon Verified Permissions has them: effect, scope, and whether there are conditions (Cedar policy language, "Grammar").

Only the scope is read into words: `permit(principal in N::UserGroup::"pool|admin", action in [N::Action::"get /pets"], resource);`. Of conditions nothing is
kept but that they are there, since nobody could say in a permission document what they say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from admin_api.importers.imported import ImportSourceError

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_]\w*)|(?P<sign>::|==|!=|<=|>=|&&|\|\||[-@(){}\[\],;.<>!+*?:/]|\d+)"""
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_MAX_POLICIES = 10_000


@dataclass(frozen=True, slots=True)
class Entity:
    """`Shop::UserGroup::"eu-west-1_x|admin"`: type and id."""

    type: str
    id: str

    @property
    def kind(self) -> str:
        """The last word of the type: `UserGroup`."""
        return self.type.rpartition("::")[2]

    def __str__(self) -> str:
        return f'{self.type}::"{self.id}"'


@dataclass(frozen=True, slots=True)
class Part:
    """One of the three parts of a scope: `relation` is empty if nothing is asked of it, else `==`, `in` or `is`, with the entities that stand behind it."""

    relation: str
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class CedarPolicy:
    """One policy. `line` is where it begins, counted from 1; `is_conditional` tells of `when` and `unless`."""

    permits: bool
    principal: Part
    action: Part
    resource: Part
    is_conditional: bool
    line: int


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_string: bool
    line: int


def read_policies(text: str, name: str) -> list[CedarPolicy]:
    """Return the policies of a text. Raises `ImportSourceError` with `name` and the line of what is no Cedar."""
    reader = _Reader(list(_tokens(text, name)), name)
    policies = []
    while not reader.is_over():
        policies.append(reader.policy())
        if len(policies) > _MAX_POLICIES:
            raise ImportSourceError(f"{name}: more than {_MAX_POLICIES} policies")
    return policies


def _tokens(text: str, name: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ImportSourceError(
                f"{name}:{line}: `{text[at : at + 20]!a}` is no Cedar: hand in policies as Verified Permissions shows them"
            )
        if found["text"] is not None:
            yield _Token(_unescaped(found["text"][1:-1]), True, line)
        elif found["word"] is not None or found["sign"] is not None:
            yield _Token(found[0], False, line)
        line += found[0].count("\n")
        at = found.end()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)


class _Reader:
    def __init__(self, tokens: list[_Token], name: str) -> None:
        self._tokens = tokens
        self._name = name
        self._at = 0

    def is_over(self) -> bool:
        return self._at == len(self._tokens)

    def policy(self) -> CedarPolicy:
        while self._next_is("@"):
            self._annotation()
        line = self._peek().line
        effect = self._take("permit", "forbid")
        self._take("(")
        parts = []
        for number, word in enumerate(("principal", "action", "resource")):
            if number:
                self._take(",")
            parts.append(self._part(word))
        if self._next_is(","):
            self._take(",")
        self._take(")")
        is_conditional = False
        while self._next_is("when", "unless"):
            is_conditional = True
            self._take("when", "unless")
            self._skip_braces()
        self._take(";")
        return CedarPolicy(effect == "permit", parts[0], parts[1], parts[2], is_conditional, line)

    def _annotation(self) -> None:
        self._take("@")
        self._any()
        if self._next_is("("):
            self._take("(")
            self._any()
            self._take(")")

    def _part(self, word: str) -> Part:
        self._take(word)
        if not self._next_is("==", "in", "is"):
            return Part("", ())
        relation = self._take("==", "in", "is")
        if relation == "is":
            # `principal is User in Group::"x"` asks two things at once.
            type_ = self._type()
            entities: tuple[Entity, ...] = (Entity(type_, ""),)
            if self._next_is("in"):
                self._take("in")
                entities = (*entities, *self._entities())
            return Part(relation, entities)
        return Part(relation, self._entities())

    def _entities(self) -> tuple[Entity, ...]:
        if not self._next_is("["):
            return (self._entity(),)
        self._take("[")
        entities = []
        while not self._next_is("]"):
            entities.append(self._entity())
            if not self._next_is("]"):
                self._take(",")
        self._take("]")
        return tuple(entities)

    def _entity(self) -> Entity:
        if self._next_is("?"):
            # A slot of a template, which stands for whoever the template is linked with.
            self._take("?")
            return Entity("?", self._any().text)
        type_ = self._type()
        token = self._any()
        if not token.is_string:
            raise self._wrong(token, 'an entity such as `Shop::Action::"get /pets"`')
        return Entity(type_, token.text)

    def _type(self) -> str:
        words = [self._any().text]
        while self._next_is("::"):
            self._take("::")
            if self._peek().is_string:
                break
            words.append(self._any().text)
        return "::".join(words)

    def _skip_braces(self) -> None:
        self._take("{")
        depth = 1
        while depth:
            token = self._any()
            if not token.is_string:
                depth += (token.text == "{") - (token.text == "}")

    def _peek(self) -> _Token:
        if self.is_over():
            line = self._tokens[-1].line if self._tokens else 1
            raise ImportSourceError(f"{self._name}:{line}: the last policy is cut off: it must end with `;`")
        return self._tokens[self._at]

    def _next_is(self, *texts: str) -> bool:
        token = self._peek()
        return not token.is_string and token.text in texts

    def _any(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, *texts: str) -> str:
        token = self._any()
        if token.is_string or token.text not in texts:
            raise self._wrong(token, " or ".join(f"`{text}`" for text in texts))
        return token.text

    def _wrong(self, token: _Token, wanted: str) -> ImportSourceError:
        return ImportSourceError(f"{self._name}:{token.line}: `{token.text}` stands where {wanted} is expected")

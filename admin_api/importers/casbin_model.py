"""Reads how a Casbin model compares: which function its matcher has for objects and actions, and what becomes of a deny (Casbin, "Syntax for Models").

Without a model file the usual one for HTTP is assumed, `g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)`, and denies win.
"""

import configparser
import re
from dataclasses import dataclass
from pathlib import Path

from admin_api.importers.foreign_text import read_foreign
from admin_api.importers.imported import ImportSourceError

EXACT = "=="
REGEX = "regexMatch"
KEY_MATCHES = ("keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5")

_COLUMNS = (["sub", "obj", "act"], ["sub", "obj", "act", "eft"])
_ALLOW_WINS = "some(where(p.eft==allow))"
_DENY_WINS = f"{_ALLOW_WINS}&&!some(where(p.eft==deny))"
_COMPARISON = re.compile(r"(\w+)\(r\.(obj|act),p\.(obj|act)\)|r\.(obj|act)==p\.(obj|act)")
_ANY_ACTION = re.compile(r"""p\.act==["']\*["']""")


@dataclass(frozen=True, slots=True)
class CasbinModel:
    """How a policy is compared with a request. `objects` and `actions` are `==` or the name of a function; `denies` tells whether a deny counts."""

    objects: str = "keyMatch2"
    actions: str = REGEX
    has_roles: bool = True
    denies: bool = True
    any_action: bool = True


def read_model(path: Path) -> CasbinModel:
    """Return what a model file says. Raises `ImportSourceError` for what a document cannot be made of: domains, conditions, superusers, priorities."""
    source = read_foreign(str(path))
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, inline_comment_prefixes=("#",))
    try:
        parser.read_string(re.sub(r"\\[ \t]*\n[ \t]*", " ", source.text))
        columns = parser["policy_definition"]["p"]
        effect, matcher = (re.sub(r"\s", "", parser[section][key]) for section, key in (("policy_effect", "e"), ("matchers", "m")))
    except (configparser.Error, KeyError) as error:
        raise ImportSourceError(
            f"{source.name}: this is no Casbin model, which has [policy_definition], [policy_effect] and [matchers]: {' '.join(str(error).split())}"
        ) from None
    named = [each.strip() for each in columns.split(",")]
    if named not in _COLUMNS:
        raise ImportSourceError(
            f"{source.name}: its policies have the columns {columns}: a document can be made of `sub, obj, act` and `eft` alone"
        )
    if effect not in (_ALLOW_WINS, _DENY_WINS):
        raise ImportSourceError(
            f"{source.name}: its effect `{effect}` is neither allow-override nor allow-and-deny: write the document by hand"
        )
    return _of_matcher(matcher, source.name, denies=effect == _DENY_WINS)


def _of_matcher(matcher: str, name: str, *, denies: bool) -> CasbinModel:
    found: dict[str, str] = {}
    roles, any_action = False, False
    for term in matcher.split("&&"):
        # `(r.act == p.act || p.act == "*")` is the one alternative that a document can say.
        is_enclosed = term.startswith("(") and term.endswith(")")
        plain = term[1:-1] if is_enclosed else term
        comparison, *alternatives = plain.split("||")
        match = _COMPARISON.fullmatch(comparison)
        if term in ("g(r.sub,p.sub)", "r.sub==p.sub"):
            found["sub"], roles = EXACT, term.startswith("g")
        elif match and (match[2] or match[4]) == (match[3] or match[5]) and (match[1] or EXACT) in (EXACT, REGEX, *KEY_MATCHES):
            found[match[2] or match[4]] = match[1] or EXACT
            if alternatives:
                # Without brackets the alternative is one to the whole matcher.
                if (
                    not is_enclosed
                    or "act" not in (match[2], match[4])
                    or [_ANY_ACTION.fullmatch(each) is None for each in alternatives] != [False]
                ):
                    raise _unsaid(name, term)
                any_action = True
        else:
            raise _unsaid(name, term)
    missing = [each for each in ("sub", "obj", "act") if each not in found]
    if missing:
        raise ImportSourceError(
            f"{name}: its matcher compares no `{missing[0]}`: a document can be made of matchers that compare `sub`, `obj` and `act`"
        )
    return CasbinModel(found["obj"], found["act"], roles, denies, any_action or found["act"] != EXACT)


def _unsaid(name: str, term: str) -> ImportSourceError:
    return ImportSourceError(
        f"{name}: its matcher asks `{term}`, which no document says: take it out if the document shall mean the rest, and write the difference by hand"
    )

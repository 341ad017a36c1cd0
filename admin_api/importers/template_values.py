"""What the intrinsic functions of a template come to, as far as the template and the parameters tell. What they do not tell is said, never guessed."""

import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_TEXT = 10_000
"""Longer than any path or route key; nested `Fn::Sub` could double a text at each step."""

MAX_NESTED = 100
"""Functions within functions, conditions included that refer to conditions."""

MAX_STEPS = 10_000
"""Functions that one value may call: `${a}${a}`, with the same again in `a`, would double them at each step."""

NO_VALUE = "AWS::NoValue"
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class UnknownValueError(Exception):
    """A value that only a deployment knows, or that lacks a parameter. The message ends with the remedy."""


class Values:
    """Resolves the intrinsic functions of one template."""

    def __init__(self, template: Mapping[str, Any], given: Mapping[str, str]) -> None:
        self.parameters = block_at(template, "Parameters")
        self.mappings = block_at(template, "Mappings")
        self.conditions = block_at(template, "Conditions")
        self.given = given
        self._outcomes: dict[str, bool] = {}
        self._open: list[str] = []
        self._nested = 0
        self._steps = 0

    def text(self, value: Any) -> str:
        """Return a value as text. Raises `UnknownValueError`."""
        result = self.value(value)
        if isinstance(result, bool):
            return "true" if result else "false"
        if isinstance(result, str | int):
            return str(result)
        raise UnknownValueError("a text is needed here")

    def value(self, value: Any) -> Any:
        """Return what an intrinsic function comes to, and anything else as it is. Raises `UnknownValueError`."""
        if not isinstance(value, Mapping) or len(value) != 1:
            return value
        ((name, argument),) = value.items()
        function = _FUNCTIONS.get(name)
        if function is None:
            if name.startswith("Fn::"):
                raise UnknownValueError(f"`{name}` is known only to the deployment: write the value out, or import the deployed API")
            return value
        self._steps = self._steps + 1 if self._nested else 0
        if self._nested >= MAX_NESTED or self._steps > MAX_STEPS:
            raise UnknownValueError(f"`{name}` stands within too many others: write the value out")
        self._nested += 1
        try:
            return function(self, argument)
        except (ValueError, TypeError, KeyError, IndexError):
            raise UnknownValueError(f"`{name}` is not written as CloudFormation takes it: correct it in the template") from None
        finally:
            self._nested -= 1

    def parameter(self, name: str, function: str) -> str:
        """Return a parameter's value: the given one, else its default. Raises `UnknownValueError`."""
        if name in self.given:
            return self.given[name]
        declared = self.parameters.get(name)
        if isinstance(declared, Mapping) or name.startswith("AWS::"):
            # The default of such a parameter is a name in Systems Manager; the value stands there.
            if isinstance(declared, Mapping) and "Default" in declared and not str(declared.get("Type")).startswith("AWS::SSM::"):
                return self.text(declared["Default"])
            raise UnknownValueError(f"`{function}` needs the parameter `{name}`: give `--parameter {name}=VALUE`")
        raise UnknownValueError(f"`{function}` of `{name}` is known only to the deployment: give `--parameter {name}=VALUE`")

    def holds(self, name: Any) -> bool:
        """Return whether a condition holds. Raises `UnknownValueError`."""
        if not isinstance(name, str) or name not in self.conditions:
            raise UnknownValueError(f"there is no condition `{name}`: correct the name in the template")
        if name in self._outcomes:
            return self._outcomes[name]
        if name in self._open:
            raise UnknownValueError(f"the condition `{name}` depends on itself: correct it in the template")
        self._open.append(name)
        try:
            self._outcomes[name] = self._truth(self.conditions[name])
        finally:
            self._open.pop()
        return self._outcomes[name]

    def _truth(self, value: Any) -> bool:
        if isinstance(value, Mapping) and set(value) == {"Condition"}:
            if len(self._open) >= MAX_NESTED:
                raise UnknownValueError("a condition depends on too many others: write it out")
            return self.holds(value["Condition"])
        result = self.value(value)
        if not isinstance(result, bool):
            raise UnknownValueError("a condition is neither true nor false: correct it in the template")
        return result

    def _ref(self, name: Any) -> Any:
        return None if name == NO_VALUE else self.parameter(str(name), "Ref")

    def _sub(self, argument: Any) -> str:
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def filled(found: re.Match[str]) -> str:
            name = found[2].strip()
            if found[1]:
                return f"${{{name}}}"
            return self.text(variables[name]) if name in variables else self.parameter(name, "Fn::Sub")

        return _bounded(_PLACEHOLDER.sub(filled, self.text(text)))

    def _items(self, value: Any) -> list[Any]:
        result = self.value(value)
        # A parameter of the type CommaDelimitedList.
        return [part.strip() for part in result.split(",")] if isinstance(result, str) else list(result)

    def _join(self, argument: Any) -> str:
        between, items = argument
        return _bounded(self.text(between).join(self.text(item) for item in self._items(items)))

    def _select(self, argument: Any) -> Any:
        index, items = argument
        number = int(self.text(index))
        if number < 0:
            raise ValueError(number)
        return self.value(self._items(items)[number])

    def _split(self, argument: Any) -> list[str]:
        between, text = argument
        return self.text(text).split(self.text(between))

    def _find(self, argument: Any) -> Any:
        mapping, first, second = (self.text(part) for part in argument[:3])
        try:
            return self.mappings[mapping][first][second]
        except KeyError:
            raise UnknownValueError(
                f"`Fn::FindInMap` finds no `{mapping}.{first}.{second}`: give the parameter that chooses the key"
            ) from None

    def _if(self, argument: Any) -> Any:
        condition, then, otherwise = argument
        return self.value(then if self.holds(condition) else otherwise)

    def _equals(self, argument: Any) -> bool:
        left, right = argument
        return self.text(left) == self.text(right)

    def _not(self, argument: Any) -> bool:
        (inner,) = argument
        return not self._truth(inner)

    def _and(self, argument: Any) -> bool:
        return all(self._truth(each) for each in argument)

    def _or(self, argument: Any) -> bool:
        return any(self._truth(each) for each in argument)


_FUNCTIONS: dict[str, Callable[[Values, Any], Any]] = {
    "Ref": Values._ref,
    "Fn::Sub": Values._sub,
    "Fn::Join": Values._join,
    "Fn::Select": Values._select,
    "Fn::Split": Values._split,
    "Fn::FindInMap": Values._find,
    "Fn::If": Values._if,
    "Fn::Equals": Values._equals,
    "Fn::Not": Values._not,
    "Fn::And": Values._and,
    "Fn::Or": Values._or,
}


def block_at(value: Any, *keys: str) -> Mapping[str, Any]:
    """Return the mapping that stands under these keys, an empty one if none does."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def named(value: Any) -> tuple[str, str]:
    """Return the logical id that a value refers to and the attribute asked for, empty for its `Ref`. Both are empty if it refers to nothing of the template."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref" and isinstance(argument, str):
            return argument, ""
        if function == "Fn::GetAtt":
            parts = argument.split(".", 1) if isinstance(argument, str) else argument
            if isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, str) for part in parts):
                return parts[0], parts[1]
        if function == "Fn::Sub" and isinstance(argument, str) and (found := re.fullmatch(r"\$\{([\w:]+)(?:\.([\w.]+))?\}", argument)):
            return found[1], found[2] or ""
    return "", ""


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise UnknownValueError(f"a text of more than {MAX_TEXT:,} characters: shorten it in the template")
    return text

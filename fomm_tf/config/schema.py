"""Frozen dataclasses as the schema of a YAML file: parsing with exact error messages, and writing.

A section is a dataclass; its fields are the keys. Field types may be `bool`, `int`, `float`, `str`,
`Literal[...]`, another section, `tuple[X, ...]`, `tuple[X, Y]`, `X | Y`, `X | None`, and
`Annotated[X, Range(...)]`, where the extras are functions that return an error message or None. The
value's own type selects an option of `X | Y`: list, text or number. `Section.problems` reports keys
valid alone but inconsistent together.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import re
import reprlib
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import yaml

from fomm_tf.errors import ConfigError
from fomm_tf.files import replacing

MAX_FILE_BYTES = 1 << 20

# PyYAML follows YAML 1.1, where a float needs a dot: `2e-4` is parsed as text.
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")

_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}

S = TypeVar("S", bound="Section")


class _Problem(Exception):
    """An invalid value at a path; `parse` adds the file's name."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)


@dataclasses.dataclass(frozen=True)
class Range:
    """The values from `low` to `high`; `open_low` excludes `low` itself."""

    low: float
    high: float
    open_low: bool = False

    def __call__(self, value: float) -> str | None:
        if value < self.low or (self.open_low and value == self.low):
            return f"must be {'more than' if self.open_low else 'at least'} {self.low:g}"
        return f"must be at most {self.high:g}" if value > self.high else None


def reciprocal(value: float) -> str | None:
    """Only 1, 1/2, 1/3, ... 1/64: the valid downsampling factors."""
    fits = 1 / 64 <= value <= 1 and math.isclose(value * round(1 / value), 1, rel_tol=1e-6)
    return None if fits else "must be 1 or 1/n for an integer n: 0.5, 0.25, 0.125, ..."


@dataclasses.dataclass(frozen=True)
class Section:
    """Base of all sections. `LEGACY` names keys of older files: key -> its name now, or None if
    the key never had an effect and is dropped."""

    LEGACY: typing.ClassVar[dict[str, str | None]] = {}

    def problems(self) -> Iterator[str]:
        """Keys valid alone but inconsistent together, one line each; a line begins with the key to
        change, by its path below this section."""
        return iter(())

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars for YAML: the file's keys in their order, then those with
        a non-default value."""
        given: tuple[str, ...] = self.__dict__.get("_given", ())
        changed = [
            field.name
            for field in dataclasses.fields(self)
            if field.name not in given and getattr(self, field.name) != field.default
        ]
        return {name: _plain(getattr(self, name)) for name in (*given, *changed)}


def parse(cls: type[S], value: Any, where: str) -> S:
    """The section `cls` from a loaded YAML; `where` (the file's name) begins every message.

    Raises: ConfigError, one line, with the dotted path of the invalid key.
    """
    try:
        return _section(cls, value, "")
    except _Problem as problem:
        raise ConfigError(f"{where}: {problem}") from None


def load_yaml(path: str | os.PathLike) -> Any:
    """The content of a YAML file: plain Python objects, nothing constructed or executed.

    Raises: ConfigError if it is not valid YAML, and OSError.
    """
    with open(path, "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(
            f"{path}: over {MAX_FILE_BYTES >> 20} MiB: this is not a configuration file"
        )
    try:
        return yaml.load(content.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text: this is not a configuration file") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError(f"{path}{line}: broken YAML: {reason}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: broken YAML: {reason}") from None


def save_yaml(data: Any, path: str | os.PathLike) -> None:
    """Writes plain data as block YAML, lists in one line; atomically."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


class _Loader(yaml.SafeLoader):
    """Safe loading that also rejects duplicate keys, and aliases (nested ones could expand without
    bound)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(None, None, "aliases are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                message = f"the key {show(key.value)} is given twice"
                raise yaml.MarkedYAMLError(None, None, message, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True)
)


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as in `scales: [1, 0.5]`
    return value


def _section(cls: type[S], value: Any, path: str) -> S:
    if not isinstance(value, dict):
        raise _Problem(path, f"must be a group of keys, is {show(value)}")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls, include_extras=True)
    given: dict[str, Any] = {}
    for key, item in value.items():
        name = cls.LEGACY.get(key, key) if isinstance(key, str) else key
        if name is None:
            continue
        if name not in fields:
            nearest = difflib.get_close_matches(str(key)[:100], fields, n=1, cutoff=0)[0]
            raise _Problem(_join(path, key), f"unknown key; the nearest known one is {nearest!r}")
        if name in given:
            raise _Problem(_join(path, key), f"the older name of {name!r}, which is there too")
        given[name] = _value(hints[name], item, _join(path, key))
    for name, field in fields.items():
        if name not in given and field.default is dataclasses.MISSING:
            raise _Problem(_join(path, name), "required, but missing")
    section = cls(**given)
    object.__setattr__(section, "_given", tuple(given))
    for problem in section.problems():
        raise _Problem("", f"{path}.{problem}" if path else problem)
    return section


def _value(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        value = _value(arguments[0], value, path)
        checks: tuple[Callable[[Any], str | None], ...] = arguments[1:]
        for check in checks:
            if message := check(value):
                raise _Problem(path, f"{message}, is {show(value)}")
        return value
    if origin in (types.UnionType, typing.Union):
        return _union(arguments, value, path)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            known = ", ".join(map(repr, arguments))
            raise _Problem(path, f"must be one of {known}, is {show(value)}")
        return value
    if origin is tuple:
        return _tuple(arguments, value, path)
    if isinstance(hint, type) and issubclass(hint, Section):
        return _section(hint, value, path)
    return _scalar(hint, value, path)


def _union(arguments: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    options = [option for option in arguments if option is not type(None)]
    fitting = [option for option in options if _is_for(option, value)]
    if fitting or len(options) == 1:
        return _value((fitting or options)[0], value, path)
    if any(_base(option) is tuple for option in options):
        return _value(options[0], value, path)
    known = " or ".join(_described(option) for option in options)
    raise _Problem(path, f"must be {known}, is {show(value)}")


def _is_for(hint: Any, value: Any) -> bool:
    """Whether a value is of the type, valid or not."""
    base = _base(hint)
    if base is Literal:
        return value in get_args(hint)
    if base is tuple:
        return isinstance(value, list)
    if base is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number or (isinstance(value, str) and bool(_EXPONENT.fullmatch(value)))
    if isinstance(base, type) and issubclass(base, Section):
        return isinstance(value, dict)
    return type(value) is base


def _base(hint: Any) -> Any:
    """The type without annotations: `tuple`, `Literal`, or the type itself."""
    hint = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_origin(hint) or hint


def _described(hint: Any) -> str:
    base = _base(hint)
    return ", ".join(map(repr, get_args(hint))) if base is Literal else _NAMES.get(base, "a group")


def _tuple(arguments: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _Problem(path, f"must be a list, is {show(value)}")
    if arguments[-1] is Ellipsis:
        arguments = arguments[:1] * len(value)
    if len(value) != len(arguments):
        raise _Problem(path, f"must be a list of {len(arguments)}, has {len(value)}")
    return tuple(
        _value(hint, item, f"{path}[{index}]")
        for index, (hint, item) in enumerate(zip(arguments, value, strict=True))
    )


def _scalar(kind: type, value: Any, path: str) -> Any:
    if kind is float:
        if isinstance(value, str) and _EXPONENT.fullmatch(value):
            value = float(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 1000:
            value = float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise _Problem(path, f"must be a finite number, is {value}")
    if type(value) is not kind:
        raise _Problem(path, f"must be {_NAMES[kind]}, is {show(value)}")
    return value


def _join(path: str, key: Any) -> str:
    name = key if isinstance(key, str) and re.fullmatch(r"[\w-]{1,60}", key) else show(key)
    return f"{path}.{name}" if path else name


def show(value: Any) -> str:
    """A short representation of any value, however large or deep."""
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 1 << 1000:
        return "a huge number"
    return reprlib.repr(value)

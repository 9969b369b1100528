"""Reads the pickle inside a PyTorch checkpoint as data: nothing in it is ever imported or called.

A pickle is a program for a small stack machine, and Python's own machine imports and calls
whatever the program names. This one knows only the instructions that dicts, lists, numbers, strings
and tensors need. A name (GLOBAL) must be on the list below and becomes an inert token; "calling" a
token (REDUCE) runs one of our own constructors, which checks every argument and builds a record.
"""

from __future__ import annotations

import math
import pickletools
from dataclasses import dataclass
from typing import Any, Protocol

from fomm_tf.errors import ModelError

# torch storage class -> name of its element type
STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "UntypedStorage": "uint8",
}
ITEM_SIZES = {
    **{"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "bool": 1},
    **{"int64": 8, "int32": 4, "int16": 2, "int8": 1},
    **{"uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1},
}
# The published checkpoints need about 100,000 instructions, with all optimizer states.
MAX_INSTRUCTIONS = 2_000_000
MAX_DIMENSIONS = 32
MAX_INTEGER_BITS = 128
MAX_KEY_LENGTH = 500
_INT64_END = 2**63


class Readable(Protocol):
    """What `read_pickle` reads from: positioned at a pickle, left right behind its end."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self) -> bytes: ...


@dataclass(frozen=True)
class Storage:
    """A named run of `count` elements; `view` is (first, how many) of them, or None for all."""

    key: str
    dtype: str
    count: int
    view: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A strided window on a storage, checked to lie within the size that the storage claims."""

    storage: Storage
    dtype: str
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    """A name of the allow-list, as an inert token."""

    name: str


class _OrderedDict(dict):
    """Marks the dicts that may receive (and ignore) attributes; plain dicts may not."""


_MARK = object()
_CONSTRUCTORS = {
    "collections.OrderedDict",
    "torch.Size",
    "torch.device",
    "torch.nn.parameter.Parameter",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
}
_STORAGE_NAMES = {f"torch.{name}": dtype for name, dtype in STORAGES.items()} | {
    "torch.storage.UntypedStorage": "uint8"
}
_DTYPE_NAMES = {f"torch.{name}": name for name in ITEM_SIZES}
_ALLOWED = _CONSTRUCTORS | set(_STORAGE_NAMES) | set(_DTYPE_NAMES)


def read_pickle(file: Readable) -> tuple[Any, dict[str, Storage]]:
    """Reads the pickle that `file` stands at, and leaves `file` right behind it.

    Returns its object, and the storages it refers to by key (whole, not the views on them). The
    object is made of dicts, lists, tuples, str, int, float, bool, None and `Tensor` records; it
    may refer to itself (callers bound their walk). Raises ModelError for names and instructions
    that a checkpoint has no need of, and for a pickle that is cut short or makes no sense.
    """
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):  # type: ignore[arg-type]
            if count > MAX_INSTRUCTIONS:
                raise ModelError(
                    f"has a pickle of more than {MAX_INSTRUCTIONS:,} instructions; refused"
                )
            machine.step(opcode.name, argument)
        return machine.result(), machine.storages
    except (IndexError, KeyError):
        raise ModelError("has a damaged pickle (an instruction finds no value)") from None
    except (ValueError, OverflowError) as error:
        # From pickletools: the stream ends early, or an argument cannot be decoded. From here: an
        # instruction that makes no sense.
        reason = " ".join(str(error).split())[:100]
        raise ModelError(f"has a pickle that is cut short or damaged ({reason})") from None


def shown(name: Any) -> str:
    """A string of the file, quoted so that it is safe and short in a one-line message."""
    text = name if isinstance(name, str) else type(name).__name__
    return repr(text if len(text) <= 80 else text[:77] + "...")


class _Machine:
    """The stack, the memo, and one short action for each instruction that is known."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._ended = False
        self.storages: dict[str, Storage] = {}

    def result(self) -> Any:
        if not self._ended or len(self._stack) != 1:
            raise ValueError("it ends with an untidy stack")
        return self._stack[0]

    def step(self, instruction: str, argument: Any) -> None:
        if instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction])
        elif instruction in _LITERALS:
            self._stack.append(_literal(instruction, argument))
        elif instruction in _GETS:
            self._stack.append(self._memo[argument])
        elif instruction in _PUTS:
            self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]
        elif instruction in _TUPLES:
            count = _TUPLES[instruction]
            items = tuple(self._pop() for _ in range(count))
            self._stack.append(items[::-1])
        elif instruction not in ("PROTO", "FRAME"):
            action = getattr(self, f"do_{instruction.lower()}", None)
            if action is None:
                raise ModelError(
                    f"uses the pickle instruction {instruction}, "
                    "which a checkpoint has no need of; refused"
                )
            if argument is None:
                action()
            else:
                action(argument)

    def _pop(self) -> Any:
        if self._stack[-1] is _MARK:
            raise ValueError("a value is missing")
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                items = self._stack[position + 1 :]
                del self._stack[position:]
                return items
        raise ValueError("a mark is missing")

    def _top(self, kind: type) -> Any:
        if not isinstance(self._stack[-1], kind):
            raise ValueError(f"a {kind.__name__} is missing")
        return self._stack[-1]

    def do_stop(self) -> None:
        self._ended = True

    def do_mark(self) -> None:
        self._stack.append(_MARK)

    def do_empty_dict(self) -> None:
        self._stack.append({})

    def do_empty_list(self) -> None:
        self._stack.append([])

    def do_tuple(self) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def do_append(self) -> None:
        item = self._pop()
        self._top(list).append(item)

    def do_appends(self) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def do_setitem(self) -> None:
        value, key = self._pop(), self._pop()
        _set(self._top(dict), key, value)

    def do_setitems(self) -> None:
        items = self._pop_to_mark()
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            _set(target, key, value)

    def do_global(self, argument: str) -> None:
        self._stack.append(_name(argument.replace(" ", ".", 1)))

    def do_stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("a name is no string")
        self._stack.append(_name(f"{module}.{name}"))

    def do_reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        self._stack.append(_construct(function, arguments))

    def do_newobj(self) -> None:
        arguments, function = self._pop(), self._pop()
        if function != _Name("torch.nn.parameter.Parameter"):
            raise ValueError("it makes an object of an unknown kind")
        self._stack.append(_construct(function, arguments))

    def do_build(self) -> None:
        # Attributes of a state dict (`_metadata`) or a parameter (`requires_grad`): of no use.
        self._pop()
        if not isinstance(self._stack[-1], (_OrderedDict, Tensor)):
            raise ValueError("it sets attributes of something that has none")

    def do_binpersid(self) -> None:
        storage = _storage(self._pop())
        whole = Storage(storage.key, storage.dtype, storage.count)
        if self.storages.setdefault(storage.key, whole) != whole:
            raise ModelError(
                f"declares storage {shown(storage.key)} twice, with different contents"
            )
        self._stack.append(storage)


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINSTRING", "SHORT_BINSTRING"),
}
_GETS = {"BINGET", "LONG_BINGET"}
_PUTS = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _literal(instruction: str, value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise ValueError("a number has too many digits")
    if instruction.endswith("BINSTRING"):
        # Python 2 wrote its names so; pickletools decodes the bytes as Latin-1.
        return value.encode("latin-1").decode("utf-8")
    return value


def _set(target: dict, key: Any, value: Any) -> None:
    # Nested tuples as keys could exhaust the C stack while they are hashed; no checkpoint has any.
    if not isinstance(key, (str, int, float)):
        raise ValueError(f"a dict has a key of type {type(key).__name__}")
    # Keys end up in messages: no control characters there, and no pages of text.
    if isinstance(key, str) and (len(key) > MAX_KEY_LENGTH or not key.isprintable()):
        raise ValueError(f"a dict has the key {shown(key)}")
    target[key] = value


def _name(full: str) -> _Name:
    if full not in _ALLOWED:
        raise ModelError(f"asks for {shown(full)}, which a checkpoint has no need of; refused")
    return _Name(full)


def _construct(function: Any, arguments: Any) -> Any:
    """What calling one of the listed names would give, as a plain value or record."""
    if not isinstance(function, _Name) or function.name not in _CONSTRUCTORS:
        raise ValueError("it calls something that is no function")
    if not isinstance(arguments, tuple):
        raise ValueError("a call has no arguments")
    kind = function.name.rpartition(".")[2]
    if kind == "OrderedDict":
        return _ordered_dict(*arguments[:2]) if arguments else _OrderedDict()
    if kind == "Size":
        return _integers(arguments[0])
    if kind == "device":
        return ":".join(str(part) for part in arguments if isinstance(part, (str, int)))
    if kind in ("Parameter", "_rebuild_parameter"):
        if not isinstance(arguments[0], Tensor):
            raise ValueError("a parameter is no tensor")
        return arguments[0]
    return _tensor(kind, arguments)


def _ordered_dict(pairs: Any, extra: Any = None) -> _OrderedDict:
    # Python 2 pickled an OrderedDict as a list of [key, value] lists.
    if not isinstance(pairs, list) or extra is not None:
        raise ValueError("an OrderedDict has an unknown form")
    result = _OrderedDict()
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError("an OrderedDict has an unknown form")
        _set(result, pair[0], pair[1])
    return result


def _integers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > MAX_DIMENSIONS:
        raise ValueError("a tensor's size or stride has an unknown form")
    return tuple(_integer(value) for value in values)


def _integer(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _INT64_END:
        raise ValueError(
            "a tensor or storage has a size, stride or offset that is no natural number"
        )
    return value


def _storage(reference: Any) -> Storage:
    """The storage of a persistent id: ("storage", type, key, location, elements[, view])."""
    if not isinstance(reference, tuple) or not reference:
        raise ValueError("a storage has an unknown form")
    if reference[0] == "module":
        raise ModelError("holds a whole network with its program code, not a state dict; refused")
    if reference[0] != "storage" or len(reference) not in (5, 6):
        raise ValueError("a storage has an unknown form")
    _, kind, key, _, count = reference[:5]
    if not isinstance(kind, _Name) or kind.name not in _STORAGE_NAMES or not isinstance(key, str):
        raise ValueError("a storage has an unknown form")
    view = reference[5] if len(reference) == 6 else None
    count = _integer(count)
    if view is not None:
        if not isinstance(view, tuple) or len(view) != 3:
            raise ValueError("a storage's view has an unknown form")
        view = (_integer(view[1]), _integer(view[2]))
        if view[0] + view[1] > count:
            raise ModelError(f"the view on storage {shown(key)} reaches beyond the storage's end")
    return Storage(key, _STORAGE_NAMES[kind.name], count, view)


def _tensor(kind: str, arguments: tuple) -> Tensor:
    """The record of `torch._utils._rebuild_tensor*(storage, offset, size, stride, ...)`."""
    if len(arguments) < 4 or not isinstance(arguments[0], Storage):
        raise ValueError("a tensor has an unknown form")
    storage, offset = arguments[0], _integer(arguments[1])
    size, stride = _integers(arguments[2]), _integers(arguments[3])
    if len(size) != len(stride):
        raise ValueError("a tensor's size and stride differ in length")
    dtype = storage.dtype
    if kind == "_rebuild_tensor_v3":
        token = arguments[6] if len(arguments) > 6 else None
        if not isinstance(token, _Name) or token.name not in _DTYPE_NAMES:
            raise ValueError("a tensor has an unknown element type")
        dtype = _DTYPE_NAMES[token.name]
    held = storage.view[1] if storage.view else storage.count
    held_bytes = held * ITEM_SIZES[storage.dtype]
    reach = sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    end = offset + reach + 1 if all(size) else 0
    if end * ITEM_SIZES[dtype] > held_bytes:
        raise ModelError(
            f"a tensor of size {list(size)} reaches beyond its storage {shown(storage.key)}"
        )
    if math.prod(max(n, 1) for n in size) >= _INT64_END // 8:
        raise ModelError(f"a tensor claims the impossible size {list(size)}")
    return Tensor(storage, dtype, offset if all(size) else 0, size, stride)

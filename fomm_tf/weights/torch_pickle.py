"""Reads the pickle inside a PyTorch checkpoint as data: nothing in it is ever imported or called.

A pickle is a program for a small stack machine, and Python's own machine imports and calls
whatever the program names. This one knows only the instructions that dicts, lists, sets, numbers,
strings, bytes, arrays and tensors need. What names stand for is in `torch_names`.
"""

from __future__ import annotations

import pickletools
from typing import Any, Protocol

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_names import (
    NEWOBJ_NAMES,
    allowed_name,
    check_members,
    construct,
    set_state,
)
from fomm_tf.weights.torch_records import Storage, set_item, shown, storage_of

# The published checkpoints need about 100,000 instructions, with all optimizer states.
MAX_INSTRUCTIONS = 2_000_000
MAX_INTEGER_BITS = 128
# A few bytes can ask again and again for an array of the same long string. What all the calls are
# given may outgrow the strings in the file by this much.
MAX_GROWTH = 4
FREE_GROWTH_BYTES = 64 * 2**20


class Readable(Protocol):
    """What `read_pickle` reads from: positioned at a pickle, left right behind its end."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self) -> bytes: ...


_MARK = object()


def read_pickle(file: Readable) -> tuple[Any, dict[str, Storage]]:
    """Reads the pickle that `file` stands at, and leaves `file` right behind it.

    Returns its object, and the storages it refers to by key (whole, not the views on them). The
    object is made of dicts, lists, tuples, sets, str, bytes, int, float, bool, None and the records
    `Tensor` and `Array`; it may refer to itself (callers bound their walk). Raises ModelError for
    names and instructions that a checkpoint has no need of, and for a pickle that is cut short or
    makes no sense.
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


class _Machine:
    """The stack, the memo, and one short action for each instruction that is known."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._ended = False
        self._allowance = FREE_GROWTH_BYTES
        self.storages: dict[str, Storage] = {}

    def result(self) -> Any:
        if not self._ended or len(self._stack) != 1:
            raise ValueError("it ends with an untidy stack")
        return self._stack[0]

    def step(self, instruction: str, argument: Any) -> None:
        if instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction])
        elif instruction in _LITERALS:
            value = _literal(instruction, argument)
            if isinstance(value, (str, bytes)):
                self._allowance += MAX_GROWTH * len(value)
            self._stack.append(value)
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

    def _charge(self, argument: Any) -> None:
        """Counts what a call is about to copy or go through."""
        parts = argument if isinstance(argument, tuple) else (argument,)
        self._allowance -= 8 * len(parts) + sum(_bytes_of(part) for part in parts)
        if self._allowance < 0:
            raise ModelError("has a pickle that would grow beyond reason when it is read; refused")

    def do_stop(self) -> None:
        self._ended = True

    def do_mark(self) -> None:
        self._stack.append(_MARK)

    def do_empty_dict(self) -> None:
        self._stack.append({})

    def do_empty_list(self) -> None:
        self._stack.append([])

    def do_empty_set(self) -> None:
        self._stack.append(set())

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
        set_item(self._top(dict), key, value)

    def do_setitems(self) -> None:
        items = self._pop_to_mark()
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            set_item(target, key, value)

    def do_additems(self) -> None:
        items = self._pop_to_mark()
        check_members(items)
        self._top(set).update(items)

    def do_frozenset(self) -> None:
        items = self._pop_to_mark()
        check_members(items)
        self._stack.append(set(items))

    def do_global(self, argument: str) -> None:
        self._stack.append(allowed_name(argument.replace(" ", ".", 1)))

    def do_stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("a name is no string")
        self._stack.append(allowed_name(f"{module}.{name}"))

    def do_reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        self._charge(arguments)
        self._stack.append(construct(function, arguments))

    def do_newobj(self) -> None:
        arguments, function = self._pop(), self._pop()
        if function not in NEWOBJ_NAMES:
            raise ValueError("it makes an object of an unknown kind")
        self._stack.append(construct(function, arguments))

    def do_build(self) -> None:
        state = self._pop()
        self._charge(state)
        set_state(self._stack[-1], state)

    def do_binpersid(self) -> None:
        storage = storage_of(self._pop())
        whole = Storage(storage.key, storage.dtype, storage.count)
        if self.storages.setdefault(storage.key, whole) != whole:
            raise ModelError(
                f"declares storage {shown(storage.key)} twice, with different contents"
            )
        self._stack.append(storage)


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BYTEARRAY8"),
}
_GETS = {"BINGET", "LONG_BINGET"}
_PUTS = {"BINPUT", "LONG_BINPUT", "MEMOIZE"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _bytes_of(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    # About what an item takes in a dict or a set.
    return 64 * len(value) if isinstance(value, (list, dict, set)) else 0


def _literal(instruction: str, value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise ValueError("a number has too many digits")
    if instruction.endswith("BINSTRING"):
        # Python 2 wrote its names so; pickletools decodes the bytes as Latin-1.
        return value.encode("latin-1").decode("utf-8")
    # A bytearray could be changed, and then could not stand behind an array.
    return bytes(value) if isinstance(value, bytearray) else value

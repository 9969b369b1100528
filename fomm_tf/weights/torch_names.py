"""What the names in a PyTorch checkpoint's pickle stand for. Nothing is imported or called.

A name (GLOBAL) must be on the list here and becomes an inert token; "calling" a token (REDUCE) runs
one of our own constructors, and setting attributes (BUILD) one of our own setters. They make plain
values and records, and check every argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_arrays import (
    Array,
    DType,
    array_from_buffer,
    empty_array,
    numpy_dtype,
    numpy_scalar,
    set_array_state,
    set_dtype_state,
)
from fomm_tf.weights.torch_records import (
    DTYPE_NAMES,
    STORAGE_NAMES,
    Name,
    Tensor,
    integers,
    set_item,
    shown,
    tensor_of,
)


class OrderedDict(dict):
    """Marks the dicts that may receive (and ignore) attributes; plain dicts may not."""


class Namespace(dict):
    """Marks the dicts that take attributes as their items."""


def allowed_name(full: str) -> Name:
    if full not in _ALLOWED:
        raise ModelError(f"asks for {shown(full)}, which a checkpoint has no need of; refused")
    return Name(full)


def construct(function: Any, arguments: Any) -> Any:
    """What calling one of the listed names would give, as a plain value or record."""
    if not isinstance(function, Name) or function.name not in _CONSTRUCTORS:
        raise ValueError("it calls something that is no function")
    if not isinstance(arguments, tuple):
        raise ValueError("a call has no arguments")
    return _CONSTRUCTORS[function.name](arguments)


def set_state(target: Any, state: Any) -> None:
    """What setting the attributes `state` of `target` comes to."""
    if isinstance(target, DType):
        set_dtype_state(target, state)
    elif isinstance(target, Array):
        set_array_state(target, state)
    elif isinstance(target, Namespace):
        if not isinstance(state, dict):
            raise ValueError("a Namespace has an unknown form")
        target.update(state)
    # Attributes of a state dict (`_metadata`) or a parameter (`requires_grad`): of no use.
    elif not isinstance(target, (OrderedDict, Tensor)):
        raise ValueError("it sets attributes of something that has none")


def check_members(items: Iterable) -> None:
    """Refuses what a set here may not have: nested tuples could exhaust the C stack, as in keys."""
    for item in items:
        if item is not None and not isinstance(item, (str, int, float, bytes)):
            raise ValueError(f"a set has a member of type {type(item).__name__}")


def _ordered_dict(arguments: tuple) -> OrderedDict:
    # Python 2 pickled an OrderedDict as a list of [key, value] lists.
    result = OrderedDict()
    if not arguments:
        return result
    if len(arguments) > 1 or not isinstance(arguments[0], list):
        raise ValueError("an OrderedDict has an unknown form")
    for pair in arguments[0]:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise ValueError("an OrderedDict has an unknown form")
        set_item(result, pair[0], pair[1])
    return result


def _counter(arguments: tuple) -> dict:
    if len(arguments) != 1 or type(arguments[0]) is not dict:
        raise ValueError("a Counter has an unknown form")
    return arguments[0]


def _default_dict(arguments: tuple) -> dict:
    # The factory would make values for keys that are missing: a dict here has none to make.
    if arguments not in _FACTORIES:
        raise ValueError("a defaultdict has an unknown factory")
    return {}


def _namespace(arguments: tuple) -> Namespace:
    if arguments:
        raise ValueError("a Namespace has an unknown form")
    return Namespace()


def _set(arguments: tuple) -> set:
    if len(arguments) != 1 or not isinstance(arguments[0], list):
        raise ValueError("a set has an unknown form")
    check_members(arguments[0])
    return set(arguments[0])


def _bytes(arguments: tuple) -> bytes:
    """bytes(), bytearray(data), bytearray(text, "latin-1")."""
    if len(arguments) == 2:
        return _encoded(arguments)
    data = arguments[0] if arguments else b""
    if len(arguments) > 1 or not isinstance(data, bytes):
        raise ValueError("bytes have an unknown form")
    return data


def _encoded(arguments: tuple) -> bytes:
    """_codecs.encode(text, "latin1"): bytes, as the pickle protocol 2 writes them."""
    if len(arguments) != 2 or not isinstance(arguments[0], str):
        raise ValueError("bytes have an unknown form")
    if arguments[1] not in ("latin1", "latin-1"):
        raise ValueError("bytes are encoded in an unknown way")
    return arguments[0].encode("latin-1")


def _path(flavour: type[PurePosixPath | PureWindowsPath], arguments: tuple) -> str:
    if not all(isinstance(part, str) for part in arguments):
        raise ValueError("a path has an unknown form")
    return str(flavour(*arguments))


def _device(arguments: tuple) -> str:
    return ":".join(str(part) for part in arguments[:2] if isinstance(part, (str, int)))


def _parameter(arguments: tuple) -> Tensor:
    if not isinstance(arguments[0], Tensor):
        raise ValueError("a parameter is no tensor")
    return arguments[0]


# Names that have moved: in Python 3, in NumPy 2, and in Python 3.13.
_BUILTINS = ("__builtin__", "builtins")
_NUMPY = ("numpy.core", "numpy._core")
_PATHLIB = ("pathlib", "pathlib._local")

_CONSTRUCTORS: dict[str, Callable[[tuple], Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "collections.Counter": _counter,
    "collections.defaultdict": _default_dict,
    "argparse.Namespace": _namespace,
    "_codecs.encode": _encoded,
    **{f"{module}.bytes": _bytes for module in _BUILTINS},
    **{f"{module}.bytearray": _bytes for module in _BUILTINS},
    **{f"{module}.set": _set for module in _BUILTINS},
    **{f"{module}.frozenset": _set for module in _BUILTINS},
    **{f"{module}.PosixPath": partial(_path, PurePosixPath) for module in _PATHLIB},
    **{f"{module}.PurePosixPath": partial(_path, PurePosixPath) for module in _PATHLIB},
    **{f"{module}.WindowsPath": partial(_path, PureWindowsPath) for module in _PATHLIB},
    **{f"{module}.PureWindowsPath": partial(_path, PureWindowsPath) for module in _PATHLIB},
    "numpy.dtype": numpy_dtype,
    **{f"{module}.multiarray.scalar": numpy_scalar for module in _NUMPY},
    **{f"{module}.multiarray._reconstruct": empty_array for module in _NUMPY},
    **{f"{module}.numeric._frombuffer": array_from_buffer for module in _NUMPY},
    "torch.Size": lambda arguments: integers(arguments[0]),
    "torch.device": _device,
    "torch.nn.parameter.Parameter": _parameter,
    "torch._utils._rebuild_parameter": _parameter,
    **{
        f"torch._utils.{kind}": partial(tensor_of, kind)
        for kind in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3")
    },
}
NEWOBJ_NAMES = (Name("torch.nn.parameter.Parameter"), Name("argparse.Namespace"))
_FACTORY_NAMES = {
    f"{module}.{kind}"
    for module in _BUILTINS
    for kind in ("dict", "float", "int", "list", "long", "set")
}
_FACTORIES = ((), *((Name(name),) for name in _FACTORY_NAMES))
_ALLOWED = {"numpy.ndarray", *_CONSTRUCTORS, *_FACTORY_NAMES, *STORAGE_NAMES, *DTYPE_NAMES}

"""PyTorch files are read exactly, and whatever else they hold is refused in one line."""

from __future__ import annotations

import functools
import io
import os
import pickle
import random
import struct
import tarfile
import zipfile
from argparse import Namespace
from collections import Counter, defaultdict
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from commands import run_program
from golden_files import FOMM
from torch_files import (
    START,
    Raw,
    build,
    call,
    code,
    name,
    ordered_dict,
    pickled,
    storage,
    tensor,
    write_legacy,
    write_zip,
)

from fomm_tf.errors import ModelError
from fomm_tf.weights.torch_checkpoint import read_checkpoint
from fomm_tf.weights.torch_records import ITEM_SIZES

BOTH = ["inference_mgif_single_jacobian", "inference_no_occlusion"]
SIX = np.arange(6, dtype="<f4")
FLOATS = SIX.tobytes()


def write_six(path, body):
    """The storage "k" with six floats, in the serialization that the path's suffix says."""
    if path.suffix == ".zip":
        return write_zip(path, body, {"k": FLOATS})
    return write_legacy(path, body, [("k", 6, FLOATS)])


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    else:
        assert a == b


def refused(path, match):
    with pytest.raises(ModelError, match=match) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 500
    return message


@pytest.mark.parametrize(
    "path", sorted(FOMM.glob("*/checkpoint*.tar")), ids=lambda p: p.parent.name
)
def test_every_entry_of_the_official_files(path):
    checkpoint = read_checkpoint(path)
    listed = [
        line.rstrip("\n").split("\t")
        for line in (path.parent / "state_dict_keys.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    present = [row for row in listed if row[0] in checkpoint]
    assert present
    for module, key, shape, dtype in present:
        array = checkpoint[module][key]
        assert array.shape == tuple(int(n) for n in shape.split("x") if n != "scalar")
        assert array.dtype == dtype
        assert np.isfinite(array).all()
    for module in {row[0] for row in present}:
        assert list(checkpoint[module]) == [row[1] for row in present if row[0] == module]
        assert type(checkpoint[module]) is dict
    assert isinstance(checkpoint["epoch"], int)


def test_optimizer_states():
    state = read_checkpoint(FOMM / "training_adv" / "checkpoint-final.pth.tar")
    optimizer = state["optimizer_generator"]
    assert optimizer["param_groups"][0]["betas"] == (0.5, 0.999)
    assert optimizer["param_groups"][0]["params"] == list(range(len(optimizer["state"])))
    weights = [a for k, a in state["generator"].items() if k.endswith((".weight", ".bias"))]
    assert optimizer["state"][0]["exp_avg"].shape == weights[0].shape
    assert float(optimizer["state"][0]["step"]) == 5


@pytest.mark.parametrize("case", BOTH)
def test_both_serializations_are_the_same(case):
    new = read_checkpoint(FOMM / case / "checkpoint.pth.tar")
    old = read_checkpoint(FOMM / case / "checkpoint-legacy.pth.tar")
    same(new, old)


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("FloatStorage", np.array([1.5, -2], "<f4"), np.array([1.5, -2], np.float32)),
        ("DoubleStorage", np.array([1.5, -2], "<f8"), np.array([1.5, -2], np.float64)),
        ("HalfStorage", np.array([1.5, -2], "<f2"), np.array([1.5, -2], np.float16)),
        ("BFloat16Storage", np.array([0x3FC0, 0xC000], "<u2"), np.array([1.5, -2], np.float32)),
        ("LongStorage", np.array([2**40, -3], "<i8"), np.array([2**40, -3], np.int64)),
        ("IntStorage", np.array([2**20, -3], "<i4"), np.array([2**20, -3], np.int32)),
        ("ShortStorage", np.array([2**10, -3], "<i2"), np.array([2**10, -3], np.int16)),
        ("CharStorage", np.array([7, -3], "i1"), np.array([7, -3], np.int8)),
        ("ByteStorage", np.array([7, 253], "u1"), np.array([7, 253], np.uint8)),
        ("BoolStorage", np.array([0, 2], "u1"), np.array([False, True])),
        ("UntypedStorage", np.array([7, 253], "u1"), np.array([7, 253], np.uint8)),
    ],
)
def test_element_types(tmp_path, kind, data, expected):
    body = {"a": tensor(storage("0", 2, kind), (2,), (1,))}
    new = read_checkpoint(write_zip(tmp_path / "z", body, {"0": data.tobytes()}))["a"]
    other = data.astype(data.dtype.newbyteorder(">"))
    entries = {"archive/byteorder": b"big"}
    big = read_checkpoint(write_zip(tmp_path / "b", body, {"0": other.tobytes()}, entries=entries))
    legacy = {"a": tensor(storage("0", 2, kind, None), (2,), (1,))}
    old = read_checkpoint(write_legacy(tmp_path / "l", legacy, [("0", 2, data.tobytes())]))["a"]
    for array in (new, big["a"], old):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_any_root_folder_and_untyped_tensors(tmp_path):
    rebuild = name("torch._utils", "_rebuild_tensor_v3")
    arguments = (
        storage("0", 4, "UntypedStorage"),
        1,
        (1,),
        (1,),
        False,
        {},
        name("torch", "uint16"),
    )
    path = write_zip(
        tmp_path / "c.zip", {"a": call(rebuild, *arguments)}, {"0": b"\1\0\2\1"}, root="vox 256-ü"
    )
    array = read_checkpoint(path)["a"]
    assert array.dtype == np.uint16 and array.tolist() == [258]


@pytest.mark.parametrize("suffix", [".zip", ".pth"])
@pytest.mark.parametrize(
    ("size", "stride", "offset", "expected"),
    [
        ((2, 3), (3, 1), 0, [[0, 1, 2], [3, 4, 5]]),
        ((3, 2), (1, 3), 0, [[0, 3], [1, 4], [2, 5]]),
        ((2,), (2,), 1, [1, 3]),
        ((), (), 4, 4),
        ((2, 2), (0, 1), 4, [[4, 5], [4, 5]]),
        ((0, 3), (3, 1), 0, np.zeros((0, 3))),
        ((0,), (1,), 6, []),
    ],
)
def test_strides_and_offsets(tmp_path, suffix, size, stride, offset, expected):
    view = () if suffix == ".zip" else (None,)
    body = {"a": tensor(storage("k", 6, "FloatStorage", *view), size, stride, offset)}
    array = read_checkpoint(write_six(tmp_path / f"c{suffix}", body))["a"]
    assert array.shape == size and array.dtype == np.float32
    np.testing.assert_array_equal(array, expected)


def test_shared_storages_share_memory(tmp_path):
    body = {"a": tensor(storage("0", 6), (6,), (1,)), "b": tensor(storage("0", 6), (2,), (1,), 2)}
    checkpoint = read_checkpoint(write_zip(tmp_path / "c", body, {"0": FLOATS}))
    assert np.shares_memory(checkpoint["a"], checkpoint["b"])
    assert checkpoint["b"].tolist() == [2, 3]
    with pytest.raises(ValueError, match="read-only"):
        checkpoint["a"][0] = 1


def test_storage_views_of_the_older_serialization(tmp_path):
    view = storage("root", 6, "FloatStorage", ("view", 2, 3))
    path = write_legacy(tmp_path / "c", {"a": tensor(view, (2,), (1,), 1)}, [("root", 6, FLOATS)])
    assert read_checkpoint(path)["a"].tolist() == [3, 4]


def test_forms_of_older_and_newer_writers(tmp_path):
    """Parameters in the state dict, attributes, sizes and devices, names written by Python 2."""
    plain = tensor(storage("0", 6), (6,), (1,), version="")
    parameter = name("torch.nn.parameter", "Parameter")
    old_string = Raw(b"U\x03old")
    pairs = [["x", 1], ["y", 2]]
    body = {
        "rebuilt": call(name("torch._utils", "_rebuild_parameter"), plain, True, None),
        "called": build(call(parameter, plain), (True, False, None)),
        "made": Raw(parameter + code((plain,)) + b"\x81"),
        "pairs": call(name("collections", "OrderedDict"), pairs),
        "size": call(name("torch", "Size"), (2, 3)),
        "device": call(name("torch", "device"), "cuda", 0),
        "state": ordered_dict({"w": plain}, {"_metadata": ordered_dict({"": {"version": 1}})}),
        "plain": [1, -1.5, None, True, "text", (2**40, ())],
        7: old_string,
    }
    checkpoint = read_checkpoint(write_zip(tmp_path / "c", body, {"0": FLOATS}))
    for key in ("rebuilt", "called", "made"):
        np.testing.assert_array_equal(checkpoint[key], SIX)
    assert checkpoint["pairs"] == {"x": 1, "y": 2}
    assert checkpoint["size"] == (2, 3) and checkpoint["device"] == "cuda:0"
    assert list(checkpoint["state"]) == ["w"] and type(checkpoint["state"]) is dict
    assert checkpoint["plain"] == [1, -1.5, None, True, "text", (2**40, ())]
    assert checkpoint[7] == "old"


def test_newer_pickle_protocols(tmp_path):
    path = tmp_path / "c"
    value = {"epoch": 3, "lists": [[1.5], [1.5]], "same": "epoch"}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("c/data.pkl", pickle.dumps(value, protocol=4))
    assert read_checkpoint(path) == value


WEIGHT = {"w": tensor(storage("k", 6, "FloatStorage", None), (6,), (1,))}
PLAIN_DTYPE = (3, "<", None, None, None, -1, -1, 0)
BYTES = b"\1\0\0\0\2\0\0\0"


def dtype(letters, state=PLAIN_DTYPE):
    return build(call(name("numpy", "dtype"), letters, False, True), state)


def scalar(*arguments):
    return call(name("numpy.core.multiarray", "scalar"), *arguments)


def reconstruct(kind, size):
    return call(name("numpy.core.multiarray", "_reconstruct"), kind, size, b"b")


EMPTY_ARRAY = reconstruct(name("numpy", "ndarray"), (0,))


def array(size, kind, data):
    return build(EMPTY_ARRAY, (1, size, kind, False, data))


def buffered(order, *axes):
    function = name("numpy.core.numeric", "_frombuffer")
    return call(function, BYTES, dtype("i4"), (2, 1), order, *axes)


FORMS = pytest.mark.parametrize("suffix", [".zip", ".pth"])
PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3, 4, 5])

# What training scripts save beside the weights, and what is read of it.
EXTRAS = {
    "epoch": 7,
    "best_loss": (np.float64(0.25), 0.25),
    "scores": ([np.float32(0.5), np.float16(-1.5), np.float64("inf")], [0.5, -1.5, float("inf")]),
    "step": ([np.int64(-(2**40)), np.uint8(200), np.int32(7)], [-(2**40), 200, 7]),
    "converged": ([np.bool_(True), np.bool_(False)], [True, False]),
    "scheduler": (
        {
            "milestones": Counter({60: 1, 90: 2}),
            "_last_lr": [np.float64(2e-4)],
            "lr_lambdas": [None],
        },
        {"milestones": {60: 1, 90: 2}, "_last_lr": [2e-4], "lr_lambdas": [None]},
    ),
    "scaler": {"scale": 65536.0, "growth_interval": 2000, "_growth_tracker": 0},
    "state": (defaultdict(dict, {0: {"step": 5}}), {0: {"step": 5}}),
    "losses": (defaultdict(list, {"l1": [0.5]}), {"l1": [0.5]}),
    "counts": ([defaultdict(int, a=1), defaultdict(float), defaultdict(None)], [{"a": 1}, {}, {}]),
    "groups": (defaultdict(set, {"a": {1}}), {"a": {1}}),
    "per_label": (Counter([np.int64(3), np.int64(3)]), {3: 2}),
    "args": (
        Namespace(name="vox", ids=[0, 1], log=Path("log") / "vox", sub=Namespace(), resume=None),
        {"name": "vox", "ids": [0, 1], "log": str(Path("log/vox")), "sub": {}, "resume": None},
    ),
    "paths": (
        [PurePosixPath("/data/vox"), PurePosixPath(), PureWindowsPath(r"C:\data\vox")],
        ["/data/vox", ".", r"C:\data\vox"],
    ),
    "sets": ([{1, "a", None, 2.5}, set(), frozenset({"b"})], [{1, "a", None, 2.5}, set(), {"b"}]),
    "bytes": (
        [b"\0\xff", b"", bytes(300), bytearray(b"a\x80")],
        [b"\0\xff", b"", bytes(300), b"a\x80"],
    ),
    "python_random": random.Random(3).getstate(),
    "numpy_random": np.random.RandomState(3).get_state(),
    "numpy_generator": np.random.default_rng(3).bit_generator.state,
}
PLAIN = {"epoch", "scaler", "python_random", "numpy_random", "numpy_generator"}
SAVED = {key: value if key in PLAIN else value[0] for key, value in EXTRAS.items()}
READ = {key: value if key in PLAIN else value[1] for key, value in EXTRAS.items()}


@FORMS
@PROTOCOLS
def test_what_training_scripts_save_beside_weights(tmp_path, suffix, protocol):
    view = () if suffix == ".zip" else (None,)
    weights = tensor(storage("k", 6, "FloatStorage", *view), (2, 3), (3, 1))
    body = {"before": weights, "extras": pickled(SAVED, protocol), "after": {"w": weights}}
    checkpoint = read_checkpoint(write_six(tmp_path / f"c{suffix}", body))
    same(checkpoint["extras"], READ)
    for array in (checkpoint["before"], checkpoint["after"]["w"]):
        np.testing.assert_array_equal(array, SIX.reshape(2, 3))


def test_random_states_of_torch(tmp_path):
    data = bytes(range(200, 216))
    body = {"rng": [tensor(storage("0", 16, "ByteStorage"), (16,), (1,))]}
    array = read_checkpoint(write_zip(tmp_path / "c", body, {"0": data}))["rng"][0]
    assert array.dtype == np.uint8 and array.tobytes() == data


@FORMS
@PROTOCOLS
def test_numpy_arrays(tmp_path, suffix, protocol):
    cube = np.arange(24).reshape(2, 3, 4) % 7
    arrays = {
        f"{dtype} {order}": cube.astype(np.dtype(dtype).newbyteorder(order))
        for dtype in ITEM_SIZES
        if dtype != "bfloat16"
        for order in "<>"
    }
    floats = cube.astype(np.float32)
    arrays |= {
        "fortran": np.asfortranarray(floats),
        "transposed": floats.transpose(1, 2, 0),
        "inner axes": floats.transpose(1, 0, 2),
        "every other": floats[:, ::2],
        "scalar": np.array(1.5),
        "empty": np.zeros((0, 3), np.int16),
        "unwritable": np.frombuffer(b"\1\2", np.uint8),
    }
    body = {"arrays": pickled([arrays, arrays], protocol)}
    first, second = read_checkpoint(write_six(tmp_path / f"c{suffix}", body | WEIGHT))["arrays"]
    assert list(first) == list(arrays)
    for key, expected in arrays.items():
        assert type(first[key]) is np.ndarray and first[key] is second[key]
        assert first[key].dtype == expected.dtype.newbyteorder("=")
        assert first[key].dtype.isnative and not first[key].flags.writeable
        assert first[key].shape == expected.shape
        np.testing.assert_array_equal(first[key], expected)


@pytest.mark.parametrize("module", ["numpy.core", "numpy._core"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_names_of_both_generations_of_numpy(tmp_path, module, protocol):
    """NumPy 2 has renamed the module; what either has written is read."""
    values = pickled([np.float64(0.5), np.arange(3)], protocol).replace(
        b"numpy._core", b"numpy.core"
    )
    values = values.replace(b"numpy.core", module.encode())
    assert module.encode() in values
    column = call(name(f"{module}.numeric", "_frombuffer"), BYTES, dtype("i4"), (2, 1), "C")
    read = read_checkpoint(write_zip(tmp_path / "c", {"a": Raw(values), "b": column}))
    assert read["a"][0] == 0.5 and read["a"][1].tolist() == [0, 1, 2]
    assert read["b"].tolist() == [[1], [2]]


def test_forms_of_other_versions_of_python(tmp_path):
    body = {
        "3.13": call(name("pathlib._local", "PosixPath"), "/data/vox"),
        "3.7": call(name("__builtin__", "bytearray"), "a\xff", "latin-1"),
        "frozen": call(name("__builtin__", "frozenset"), ["a"]),
        "long": call(name("collections", "defaultdict"), name("__builtin__", "long")),
    }
    expected = {"3.13": "/data/vox", "3.7": b"a\xff", "frozen": {"a"}, "long": {}}
    same(read_checkpoint(write_zip(tmp_path / "c", body)), expected)


class Evil:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("function", "shown"),
    [(os.system, "system"), (eval, "eval"), (exec, "exec"), (getattr, "getattr")],
)
@pytest.mark.parametrize("form", ["zip", "legacy", "bare"])
def test_pickles_that_try_to_run_something(tmp_path, form, function, shown, protocol):
    marker = tmp_path / "marker"
    arguments = {
        "system": (f"touch {marker}",),
        "getattr": (Evil(__import__, "os"), "system"),
    }.get(shown, (f"open({str(marker)!r}, 'w')",))
    body = pickle.dumps({"generator": Evil(function, *arguments)}, protocol)
    path = tmp_path / "c.pth.tar"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("c/data.pkl", body)
    elif form == "legacy":
        head = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {})]
        path.write_bytes(b"".join(head) + body + pickle.dumps([], 2))
    else:
        path.write_bytes(body)
    refused(path, rf"asks for '[\w.]*{shown}', which a checkpoint has no need of; refused")
    assert not marker.exists()


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (name("torch", "nn.Module.__init__"), "asks for 'torch.nn.Module.__init__'"),
        (name("torch.storage", "os"), "asks for 'torch.storage.os'"),
        (name("torch", "FloatStorage.__class__"), "asks for"),
        (name("os", "system\x1b[31m"), r"asks for 'os.system\\x1b\[31m'"),
        (name("os", "x" * 3000), r"asks for 'os.x+\.\.\.'"),
        (Raw(b"\x8c\x02os\x8c\x06system\x93"), "asks for 'os.system'"),
        (Raw(b"K\x01K\x02\x93"), "a name is no string"),
        (Raw(b"\x82\x01"), "instruction EXT1"),
        (Raw(b"(ios\nsystem\n"), "instruction INST"),
        (Raw(b"(" + name("os", "path") + b"o"), "asks for"),
        (Raw(b"]\x94h\x00\x81"), "of an unknown kind"),
        (call(name("torch", "FloatStorage"), 3), "no function"),
        (call(code("text"), 3), "no function"),
        (Raw(name("collections", "OrderedDict") + b"NR"), "no arguments"),
        (call(name("collections", "OrderedDict"), "ab"), "unknown form"),
        (call(name("collections", "OrderedDict"), [], {"__class__": 1}), "unknown form"),
        (call(name("collections", "OrderedDict"), [[1, 2, 3]]), "unknown form"),
        (call(name("torch", "Size")), "no value"),
        (call(name("torch", "Size"), [-1]), "no natural number"),
        (call(name("torch", "Size"), [1.5]), "no natural number"),
        (call(name("torch._utils", "_rebuild_parameter"), 3), "no tensor"),
        (call(name("torch._utils", "_rebuild_tensor_v2"), 3), "unknown form"),
        (build({"a": 1}, {"__class__": 1}), "attributes"),
        (build(name("collections", "OrderedDict"), {"clear": 1}), "attributes"),
        (name("collections", "OrderedDict"), "neither a tensor nor a plain value"),
        (storage("0", 0), "no data for storage"),
        (Raw(code(("module", 1, 2, 3)) + b"Q"), "program code"),
        (Raw(code("storage") + b"Q"), "unknown form"),
        (Raw(code(("storage", "FloatStorage", "0", "cpu", 1)) + b"Q"), "unknown form"),
        (storage(0, 1), "unknown form"),
        (storage("0", -1), "no natural number"),
        (storage("0", True), "no natural number"),
        (storage("0", 2**64), "no natural number"),
        (storage("0", 6, "FloatStorage", (1, 2)), "unknown form"),
        (storage("0", 6, "FloatStorage", ("v", 4, 3)), "beyond the storage's end"),
        (storage("0", 6, "ComplexFloatStorage"), "asks for 'torch.ComplexFloatStorage'"),
        (code(2**200), "too many digits"),
        (Raw(b"h\x07"), "no value"),
        (Raw(b"0"), "instruction POP"),
        (Raw(b"]K\x01e"), "a mark is missing"),
        (Raw(b"]K\x01(R"), "a value is missing"),
        (Raw(b"}(K\x01u"), "shorter"),
        (Raw(b"}" + code((1, 2)) + b"Ns"), "a key of type tuple"),
        (Raw(b"}" + code("a\x1b[2Jb") + b"Ns"), r"the key 'a\\x1b\[2Jb'"),
        (Raw(b"}" + code("\udc80") + b"Ns"), r"the key '\\udc80'"),
        (Raw(b"}" + code("k" * 501) + b"Ns"), "the key"),
        (Raw(b"]K\x01K\x02s"), "a dict is missing"),
        (Raw(b"K\x01K\x02"), "untidy"),
        (Raw(b"\xff"), "cut short or damaged"),
        (Raw(b"X\xff\xff\xff\xffab"), "cut short or damaged"),
        (Raw(b"\x8d" + b"\xff" * 7 + b"\x7fab"), "cut short"),
        (code([1, 2]), "holds a list"),
        (Raw(b"]\x94h\x00a"), "beyond reason"),
        (Raw(b"]" * 1000 + b"a" * 999), "beyond reason"),
        (Raw(b")" + b"\x85" * 100_000), "beyond reason"),
    ],
    ids=lambda value: value[:24] if type(value) is str else "",
)
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_hostile_and_senseless_pickles(tmp_path, form, body, match):
    path = tmp_path / "c.pth.tar"
    if form == "zip":
        write_zip(path, body)
    else:
        write_legacy(path, body)
    if form == "legacy" and body.startswith((b"X\xff", b"\x8d")):
        match = "cut short"
    refused(path, match)


def test_a_list_repeated_a_billion_times(tmp_path):
    layers = b"".join(b"](" + (b"h" + bytes([n])) * 10 + b"e\x94" for n in range(9))
    refused(write_zip(tmp_path / "c", Raw(b"(]\x94" + layers + b"t")), "beyond reason")


def test_a_pickle_of_endless_instructions(tmp_path, monkeypatch):
    monkeypatch.setattr("fomm_tf.weights.torch_pickle.MAX_INSTRUCTIONS", 1000)
    refused(write_zip(tmp_path / "c", Raw(b"N" * 1001)), "more than 1,000 instructions")


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (defaultdict(os.system), r"asks for '\w+.system'"),
        (defaultdict(eval), r"asks for '\w+.eval'"),
        (defaultdict(functools.partial(dict)), "asks for 'functools.partial'"),
        (defaultdict(Counter), "an unknown factory"),
        (functools.partial(print, 3), "asks for 'functools.partial'"),
        (os.system, r"asks for '\w+.system'"),
        (getattr, r"asks for '\w+.getattr'"),
        (np.load, "asks for 'numpy.load'"),
        (np.float64, "asks for 'numpy.float64'"),
        (np.array([1, None]), "NumPy values of the type 'O8'"),
        (np.zeros(2, [("a", "f4")]), "NumPy values of the type 'V4'"),
        (np.array(["text"]), "NumPy values of the type 'U4'"),
        (np.datetime64("2020-01-01"), "NumPy values of the type 'M8'"),
        (np.complex64(1), "NumPy values of the type 'c8'"),
        (np.ma.masked_array([1.0]), r"asks for 'numpy\.ma"),
        (np.random.RandomState(3), r"asks for 'numpy\.random"),
        ({(1, 2)}, "a set has a member of type tuple"),
        (np.dtype("f4"), "neither a tensor nor a plain value"),
        (list, "neither a tensor nor a plain value"),
        ({"a\x1b[2J": 1}, r"the key 'a\\x1b\[2J'"),
        (Namespace(**{"a\x1b[2J": 1}), r"the key 'a\\x1b\[2J'"),
    ],
    ids=lambda value: value[:24] if type(value) is str else "",
)
@FORMS
@PROTOCOLS
def test_what_has_no_place_beside_weights(tmp_path, suffix, value, match, protocol):
    body = {"epoch": 1, "extras": pickled({"a": [value]}, protocol)}
    refused(write_six(tmp_path / f"c{suffix}", body | WEIGHT), match)


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (scalar(dtype("f8"), BYTES[:7]), r"size \[\] has 7 bytes instead of 8"),
        (scalar(dtype("f4"), BYTES), "has 8 bytes instead of 4"),
        (scalar(dtype("f8"), b""), "has 0 bytes instead of 8"),
        (scalar(dtype("f8"), "12345678"), "unknown form"),
        (scalar("f8", BYTES), "unknown form"),
        (call(name("numpy.core.multiarray", "scalar"), dtype("f8")), "unknown form"),
        (scalar(call(name("numpy", "dtype"), "O", False, True), code([])), "the type 'O'"),
        (dtype("O8"), "the type 'O8'"),
        (dtype("|V8"), r"the type '\|V8'"),
        (dtype("bfloat16"), "the type 'bfloat16'"),
        (call(name("numpy", "dtype"), ["f8"], False, True), "unknown form"),
        (call(name("numpy", "dtype"), "f8"), "unknown form"),
        (dtype("f8", (3, "<", None, ("a",), {}, 8, 1, 16)), "unknown form"),
        (dtype("f8", (3, "<", None, None, None, -1, -1, 63)), "unknown form"),
        (dtype("f8", (3, "<")), "unknown form"),
        (dtype("f8", {"names": ()}), "unknown form"),
        (dtype("f8", (3, "?", None, None, None, -1, -1, 0)), "unknown byte order"),
        (array((2**40,), dtype("f8"), BYTES), r"size \[1099511627776\] has 8 bytes instead"),
        (array((2,), dtype("f8"), BYTES), "has 8 bytes instead of 16"),
        (array((), dtype("f4"), BYTES), "has 8 bytes instead of 4"),
        (array((0,), dtype("f4"), BYTES), "has 8 bytes instead of 0"),
        (array((2**62, 2**62), dtype("f8"), BYTES), "impossible size"),
        (array((2**40, 0, 2**40), dtype("f8"), b""), "impossible size"),
        (array((-1,), dtype("f8"), BYTES), "no natural number"),
        (array((1.0,), dtype("f8"), BYTES), "no natural number"),
        (array((1,) * 33, dtype("f8"), BYTES), "unknown form"),
        (array(1, dtype("f8"), BYTES), "unknown form"),
        (array((1,), "f8", BYTES), "unknown form"),
        (array((1,), dtype("f8"), [1.0]), "unknown form"),
        (array((1,), dtype("f8"), "12345678"), "unknown form"),
        (build(EMPTY_ARRAY, {"shape": (1,)}), "unknown form"),
        (build(EMPTY_ARRAY, (2, (1,), dtype("f8"), False, BYTES)), "unknown form"),
        (EMPTY_ARRAY, "a NumPy array without content"),
        (reconstruct(name("numpy", "ndarray"), (2**40,)), "unknown form"),
        (reconstruct(name("collections", "OrderedDict"), (0,)), "unknown form"),
        (reconstruct(name("numpy", "matrix"), (0,)), "asks for 'numpy.matrix'"),
        (name("numpy.core.multiarray", "fromfile"), "asks for"),
        (buffered("K"), "no value"),
        (buffered("A"), "unknown form"),
        (buffered("K", (1, 1)), "an unknown order of axes"),
        (buffered("K", (0, 2)), "an unknown order of axes"),
        (buffered("K", 3), "unknown form"),
        (build(scalar(dtype("f8"), BYTES), {"a": 1}), "attributes"),
        (build(call(name("collections", "Counter"), {}), {"a": 1}), "attributes"),
        (build(call(name("collections", "defaultdict")), {"a": 1}), "attributes"),
        (build(call(name("builtins", "set"), []), {"a": 1}), "attributes"),
        (build(name("numpy", "ndarray"), {"a": 1}), "attributes"),
        (build(name("argparse", "Namespace"), {"a": 1}), "attributes"),
        (build(call(name("argparse", "Namespace")), [1]), "unknown form"),
        (build(call(name("argparse", "Namespace")), (None, {"a": 1})), "unknown form"),
        (call(name("argparse", "Namespace"), 1), "unknown form"),
        (Raw(name("collections", "Counter") + b")\x81"), "an unknown kind"),
        (Raw(name("numpy", "ndarray") + b")\x81"), "an unknown kind"),
        (call(name("numpy", "ndarray"), (2**40,)), "no function"),
        (call(name("builtins", "list"), "ab"), "no function"),
        (call(name("builtins", "int"), "3"), "no function"),
        (call(name("collections", "Counter"), [1, 1]), "unknown form"),
        (call(name("collections", "Counter")), "unknown form"),
        (call(name("collections", "defaultdict"), 3), "unknown factory"),
        (call(name("collections", "defaultdict"), name("numpy", "ndarray")), "unknown factory"),
        (call(name("collections", "defaultdict"), name("os", "system")), "asks for 'os.system'"),
        (call(name("builtins", "set"), "ab"), "unknown form"),
        (call(name("builtins", "set"), [[1]]), "a member of type list"),
        (call(name("builtins", "bytearray"), 2**40), "unknown form"),
        (call(name("builtins", "bytes"), [1, 2]), "unknown form"),
        (call(name("_codecs", "encode"), "abc", "rot13"), "an unknown way"),
        (call(name("_codecs", "encode"), "abc", "utf-8"), "an unknown way"),
        (call(name("_codecs", "encode"), "\u0100", "latin1"), "cut short or damaged"),
        (call(name("_codecs", "encode"), 3, "latin1"), "unknown form"),
        (call(name("_codecs", "encode"), "abc"), "unknown form"),
        (name("_codecs", "decode"), "asks for '_codecs.decode'"),
        (call(name("pathlib", "PosixPath"), 3), "unknown form"),
        (name("pathlib", "Path.unlink"), "asks for 'pathlib.Path.unlink'"),
        (Raw(b"\x8f(" + code([1]) + b"\x90"), "a member of type list"),
        (Raw(b"](K\x01\x90"), "a set is missing"),
        (Raw(b"(" + code((1,)) + b"\x91"), "a member of type tuple"),
        (Raw(b"C\x09ab"), "cut short"),
        (Raw(b"B\xff\xff\xff\xffab"), "cut short"),
        (Raw(b"\x96" + b"\xff" * 7 + b"\x7fab"), "cut short"),
        (Raw(b"\x97"), "instruction NEXT_BUFFER"),
    ],
    ids=lambda value: value[:24] if type(value) is str else "",
)
@FORMS
def test_hostile_and_senseless_extras(tmp_path, suffix, body, match):
    refused(write_six(tmp_path / f"c{suffix}", WEIGHT | {"a": body}), match)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("x" * 1000, name("_codecs", "encode") + b"h\x00" + code("latin1") + b"\x86R"),
        ([1] * 1000, name("builtins", "set") + b"h\x00\x85R"),
        ([["a", 1]] * 1000, name("collections", "OrderedDict") + b"h\x00\x85R"),
        (("",) * 1000, name("pathlib", "PosixPath") + b"h\x00R"),
        ({n: n for n in range(1000)}, name("argparse", "Namespace") + b")\x81h\x00b"),
    ],
    ids=["bytes", "set", "OrderedDict", "path", "Namespace"],
)
def test_one_value_used_again_and_again(tmp_path, monkeypatch, given, asked):
    """A few bytes must not ask for a copy of a long value as often as they like."""

    def body(times):
        return {"given": Raw(code(given) + b"\x94"), "made": Raw(b"](" + asked * times + b"e")}

    read_checkpoint(write_zip(tmp_path / "few", body(3)))
    monkeypatch.setattr("fomm_tf.weights.torch_pickle.FREE_GROWTH_BYTES", 200_000)
    refused(write_zip(tmp_path / "many", body(300)), "grow beyond reason")


def test_one_buffer_used_for_many_arrays(tmp_path, monkeypatch):
    monkeypatch.setattr("fomm_tf.weights.torch_pickle.FREE_GROWTH_BYTES", 200_000)
    kept = Raw(code(bytes(1000)) + b"\x94")
    arrays = [array((1000,), dtype("b1"), Raw(b"h\x00"))] * 300
    refused(write_zip(tmp_path / "c", {"kept": kept, "arrays": arrays}), "grow beyond reason")


# pickletools warns about what it decodes of an instruction that is then refused.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
def test_flipped_bytes_in_what_is_beside_the_weights(tmp_path):
    rng = random.Random(9)
    path = tmp_path / "flipped"
    small = {key: value for key, value in SAVED.items() if "random" not in key}
    originals = [pickled(small | {"array": np.eye(2)}, protocol) for protocol in (2, 4, 5)]
    refusals = 0
    for case in range(300):
        flipped = bytearray(originals[case % 3])
        for _ in range(rng.choice([1, 2, 4])):
            flipped[rng.randrange(len(flipped))] = rng.randrange(256)
        try:
            read_checkpoint(write_zip(path, {"extras": Raw(flipped)}))
        except ModelError as error:
            assert "\n" not in str(error)
            refusals += 1
    assert 100 < refusals < 300


@pytest.mark.parametrize("suffix", [".zip", ".pth"])
@pytest.mark.parametrize(
    ("size", "stride", "offset", "match"),
    [
        ((7,), (1,), 0, r"size \[7\] reaches beyond its storage 'k'"),
        ((2, 3), (4, 1), 0, "beyond"),
        ((1,), (1,), 6, "beyond"),
        ((2,), (2**62,), 0, "beyond"),
        ((2**62,), (2**62,), 0, "beyond"),
        ((2**61,), (0,), 0, "impossible"),
        ((2**40, 0, 2**40), (0, 0, 0), 0, "impossible"),
        ((-1,), (1,), 0, "no natural number"),
        ((2,), (-1,), 1, "no natural number"),
        ((2,), (1,), -1, "no natural number"),
        ((2, 3), (3,), 0, "differ in length"),
        ((1,) * 33, (1,) * 33, 0, "unknown form"),
        ("ab", (1, 1), 0, "unknown form"),
    ],
)
def test_tensors_that_do_not_fit_their_storage(tmp_path, suffix, size, stride, offset, match):
    body = {"a": tensor(storage("k", 6), size, stride, offset)}
    refused(write_six(tmp_path / f"c{suffix}", body), match)


def test_storages_that_lie(tmp_path):
    def body(count, key="0"):
        return {"a": tensor(storage(key, count), (1,), (1,))}

    refused(
        write_zip(tmp_path / "1", body(7), {"0": FLOATS}), "storage '0' lies about its size: 24"
    )
    refused(write_zip(tmp_path / "2", body(5), {"0": FLOATS}), "lies about its size")
    refused(write_zip(tmp_path / "3", body(2**60), {"0": FLOATS}), "lies about its size")
    refused(write_zip(tmp_path / "4", body(6, "../0"), {"0": FLOATS}), "no data for storage '../0'")
    refused(write_zip(tmp_path / "5", body(6), {}), "no data for storage '0'")
    refused(
        write_legacy(tmp_path / "6", body(6), [("0", 7, FLOATS)]), "lies about its size: 7 elem"
    )
    refused(write_legacy(tmp_path / "7", body(2**60), [("0", 2**60, FLOATS)]), "cut short")
    refused(write_legacy(tmp_path / "8", body(6), [("0", -6, FLOATS)]), "lies about its size")
    refused(write_legacy(tmp_path / "9", body(6), []), "no data for storage '0'")
    refused(write_legacy(tmp_path / "a", body(6), [("0", 6, FLOATS)] * 2), "twice")
    refused(write_legacy(tmp_path / "b", body(6), [("1", 6, FLOATS)]), "no tensor has")
    refused(write_legacy(tmp_path / "c", body(6), keys=[3]), "no list of storages")  # type: ignore[list-item]
    twice = {"a": tensor(storage("0", 6), (1,), (1,)), "b": tensor(storage("0", 3), (1,), (1,))}
    refused(write_zip(tmp_path / "d", twice, {"0": FLOATS}), "declares storage '0' twice")


def test_archives_that_lie(tmp_path):
    body = {"a": tensor(storage("0", 6), (6,), (1,))}
    good = {"0": FLOATS}

    packed = write_zip(tmp_path / "packed", body, good, method=zipfile.ZIP_DEFLATED)
    assert read_checkpoint(packed)["a"].tolist() == SIX.tolist()
    odd = write_zip(tmp_path / "odd", body, good, method=zipfile.ZIP_LZMA)
    refused(odd, "compressed in an unknown way")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = write_zip(tmp_path / "twice", body, good, entries={"archive/data/0": FLOATS})
    refused(twice, "the same entry twice")
    refused(write_zip(tmp_path / "two", body, good, entries={"b/data.pkl": b""}), "several")
    order = {"archive/byteorder": b"middle"}
    refused(write_zip(tmp_path / "order", body, good, entries=order), "byte order")

    count = 20 * 2**20
    bomb = {"a": tensor(storage("0", count), (1,), (1,))}
    path = write_zip(tmp_path / "bomb", bomb, {"0": bytes(4 * count)}, method=zipfile.ZIP_DEFLATED)
    refused(path, "grow beyond reason")

    data = bytearray(write_zip(tmp_path / "flags", body, good).read_bytes())
    for signature, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        start = data.index(signature)
        data[start + at] |= 1
    (tmp_path / "flags").write_bytes(data)
    refused(tmp_path / "flags", "encrypted")

    big = write_zip(tmp_path / "big", body, good).read_bytes()
    start = big.rindex(b"PK\1\2")
    lie = bytearray(big)
    lie[start + 20 : start + 28] = struct.pack("<II", 2**30, 2**30)
    (tmp_path / "big").write_bytes(lie)
    refused(tmp_path / "big", "larger than the file itself")

    wrong = bytearray(big)
    wrong[big.index(FLOATS) + 5] ^= 1
    (tmp_path / "crc").write_bytes(wrong)
    refused(tmp_path / "crc", "damaged")


def test_files_that_are_no_checkpoints(tmp_path):
    def file(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    refused(tmp_path / "missing", "no such file")
    refused(tmp_path, "is a folder")
    refused(file("empty", b""), "is empty")
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 716\n"
    refused(file("lfs", lfs), "git-lfs pointer")
    refused(file("page", b"\n <!DOCTYPE html><html>Too many requests"), "web page")
    refused(file("page2", b"<HTML><body>"), "web page")
    refused(file("gzip", b"\x1f\x8b\x08" + bytes(20)), "gzip")
    refused(file("text", b"hello"), "no PyTorch checkpoint")
    refused(file("zeros", bytes(5000)), "no PyTorch checkpoint")
    refused(file("pickle", pickle.dumps({"a": 1}, 2)), "a pickle, but no PyTorch checkpoint")
    refused(file("end", b"PK\5\6" + bytes(18)), "no PyTorch checkpoint")
    version = START + code(0x1950A86A20F9469CFC6C) + b"." + START + code(1002) + b"."
    refused(file("version", version), "unknown version")

    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("vox-cpk.pth"))
    refused(file("tar", tar.getvalue()), "tar archive")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("/etc/passwd", "x")
        archive.writestr("../../data.pkl", "x")
    refused(tmp_path / "other.zip", "no `\\*/data.pkl` inside")
    script = {"archive/constants.pkl": b"", "archive/code/__torch__.py": b""}
    refused(write_zip(tmp_path / "script", {}, entries=script), "TorchScript")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        refused(tmp_path / "fifo", "no regular file")


@pytest.mark.parametrize("name", ["checkpoint.pth.tar", "checkpoint-legacy.pth.tar"])
def test_every_truncation_is_named(tmp_path, name):
    data = (FOMM / "inference_mgif_single_jacobian" / name).read_bytes()
    rng = random.Random(5)
    ends = {*range(60), *range(len(data) - 60, len(data)), *rng.sample(range(len(data)), 150)}
    path = tmp_path / "cut"
    for end in sorted(ends):
        path.write_bytes(data[:end])
        refused(path, "cut short|damaged|empty|no PyTorch checkpoint")


@pytest.mark.parametrize("name", ["checkpoint.pth.tar", "checkpoint-legacy.pth.tar"])
def test_flipped_bytes_load_or_are_refused(tmp_path, name):
    data = (FOMM / "inference_no_occlusion" / name).read_bytes()
    rng = random.Random(11)
    loaded = 0
    path = tmp_path / "flipped"
    for case in range(150):
        flipped = bytearray(data)
        # The pickles are in the first tenth, the zip directory in the last.
        span = [(0, len(data)), (0, len(data) // 10), (len(data) * 9 // 10, len(data))][case % 3]
        for _ in range(rng.choice([1, 2, 8])):
            flipped[rng.randrange(*span)] = rng.randrange(256)
        path.write_bytes(flipped)
        try:
            read_checkpoint(path)
            loaded += 1
        except ModelError as error:
            assert "\n" not in str(error)
    assert 0 < loaded < 100


def test_flipped_bytes_inside_the_pickle_of_an_archive(tmp_path):
    """With right checksums, so that only the pickle's own sense is tested."""
    rng = random.Random(3)
    source = FOMM / "inference_no_occlusion" / "checkpoint.pth.tar"
    path = tmp_path / "flipped"
    refusals = 0
    for _ in range(100):
        with zipfile.ZipFile(source) as archive, zipfile.ZipFile(path, "w") as copy:
            for info in archive.infolist():
                data = bytearray(archive.read(info))
                if info.filename.endswith("/data.pkl"):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                copy.writestr(info.filename, bytes(data))
        try:
            read_checkpoint(path)
        except ModelError:
            refusals += 1
    assert 10 < refusals < 100


def test_reads_without_tensorflow_and_torch():
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'torch', 'keras'): sys.modules[name] = None\n"
        "from fomm_tf.weights.torch_checkpoint import read_checkpoint\n"
        f"print(len(read_checkpoint({str(FOMM / 'metrics' / 'checkpoint.pth.tar')!r})))"
    )
    assert run_program(program).stdout.strip() == "3"

"""Model files: saved networks are loaded unchanged; any other file is rejected."""

import errno
import io
import json
import os
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine import MLP, Linear, ModelFileError, Module, ReLU, Sigmoid, Tanh, load_model, save_model

META = {"config": {"hidden": [4], "lr": 1e-3}, "epochs": [1, 2.5, None, True], "note": 'ñ 字 🙂 \n\0 "quoted"'}
SIZES = (3, 4, 2)
NETWORK = {"sizes": list(SIZES), "activation": "tanh", "dtype": "float32"}
DESCRIPTION = {"format": "minigrad model", "version": 1, "network": NETWORK, "meta": META}


def network(dtype=np.float32, activation=Tanh, hidden=(4,)):
    model = MLP(3, hidden, 2, activation, rng=np.random.default_rng(0), dtype=dtype, init="xavier")
    for layer in model.layers:
        layer.b.data += np.arange(len(layer.b.data)) + 1
    return model


def same(a, b):
    return a.sizes == b.sizes and all(
        p.dtype == q.dtype and np.array_equal(p.data, q.data)
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    save_model(path, network(), META)
    return path


def attempt(path):
    """The result of `load_model` and the message of its error; one of the two is None."""
    try:
        return load_model(path), None
    except ModelFileError as error:
        message = str(error)
    assert path.name in message
    assert len(message.splitlines()) == 1
    assert message.endswith(".")
    assert "pickle" not in message.lower()
    return None, message


def refusal(path):
    loaded, message = attempt(path)
    assert loaded is None
    return message


# ---------------------------------------------------------------- round trip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
@pytest.mark.parametrize("hidden", [(), (4,), (1,) * 20])
def test_round_trip(tmp_path, dtype, activation, hidden):
    model = network(dtype, activation, hidden)
    save_model(tmp_path / "m.npz", model, META)
    loaded, meta = load_model(tmp_path / "m.npz")
    assert same(loaded, model)
    assert type(loaded.activation) is activation
    assert meta == META
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(dtype)
    np.testing.assert_array_equal(loaded(x).data, model(x).data)


def test_a_loaded_network_can_be_trained_further(saved):
    model, _ = load_model(saved)
    for layer in model.layers:
        assert layer.W.data.flags.f_contiguous
        for p in (layer.W, layer.b):
            assert p.requires_grad
            assert p.data.flags.writeable
    model(np.ones(3)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("meta", [None, {}])
def test_without_meta(tmp_path, meta):
    save_model(tmp_path / "m.npz", network(), meta)
    assert load_model(tmp_path / "m.npz")[1] == {}


@pytest.mark.parametrize("name", ["model.npz", "model", "model.v2", "mo del", "modèle 字.npz", ".hidden"])
def test_the_file_is_exactly_where_it_was_asked_for(tmp_path, name):
    save_model(tmp_path / name, network())
    assert os.listdir(tmp_path) == [name]
    assert same(load_model(tmp_path / name)[0], network())


def test_paths_may_be_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model("m.npz", network())
    assert same(load_model("m.npz")[0], network())
    assert same(load_model(str(tmp_path / "m.npz"))[0], network())


def test_the_file_is_a_plain_npz(saved):
    with np.load(saved, allow_pickle=False) as file:
        assert set(file) == {"meta", "layers.0.W", "layers.0.b", "layers.1.W", "layers.1.b"}
        np.testing.assert_array_equal(file["layers.1.W"], network().layers[1].W.data)
        assert json.loads(str(file["meta"])) == DESCRIPTION


def test_saving_leaves_the_network_alone(tmp_path):
    model = network()
    save_model(tmp_path / "m.npz", model)
    assert same(model, network())


def test_saving_replaces_an_older_file_and_keeps_its_mode(saved):
    saved.chmod(0o640)
    save_model(saved, network(np.float64), {"new": True})
    assert load_model(saved)[1] == {"new": True}
    assert saved.stat().st_mode & 0o777 == 0o640
    assert os.listdir(saved.parent) == [saved.name]


def test_a_new_file_gets_the_usual_mode(saved):
    other = saved.with_name("other")
    other.touch()
    assert saved.stat().st_mode == other.stat().st_mode


def test_saving_through_a_link_replaces_the_file_behind_it(saved):
    link = saved.with_name("link.npz")
    link.symlink_to(saved)
    save_model(link, network(np.float64))
    assert link.is_symlink()
    assert load_model(saved)[0].dtype == np.float64


# ---------------------------------------------------------------- a save that fails


def unwritable(path, model, meta=None, expected=ModelFileError):
    """Saving fails and leaves the folder, byte for byte, as it was. Returns the message."""
    before = {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
    with pytest.raises(expected) as caught:
        save_model(path, model, meta)
    assert {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()} == before
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("index", [0, 3])
def test_weights_that_are_not_finite_are_not_saved(saved, value, index):
    model = network(np.float64)
    model.parameters()[index].data.flat[1] = value
    assert "not finite" in unwritable(saved, model)


def disk_full(file, *_, **__):
    file.write(b"PK\x03\x04 the first half")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def refused_by_the_system(*_):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("module", "name", "fault", "reason"),
    [
        (np, "savez", disk_full, "no space left"),
        (os, "fsync", refused_by_the_system, "permission denied"),
        (os, "replace", refused_by_the_system, "permission denied"),
    ],
    ids=["disk full", "sync fails", "target is locked"],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_failed_save_leaves_the_old_file(saved, monkeypatch, module, name, fault, reason, exists):
    path = saved if exists else saved.with_name("new.npz")
    monkeypatch.setattr(module, name, fault)
    message = unwritable(path, network(np.float64))
    assert path.name in message
    assert reason in message


def test_an_interrupted_save_leaves_the_old_file(saved, monkeypatch):
    def interrupted(file, *_, **__):
        file.write(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_model(saved, network(np.float64))
    assert os.listdir(saved.parent) == [saved.name]
    assert same(load_model(saved)[0], network())


def test_an_unserialisable_meta_leaves_the_old_file(saved):
    unwritable(saved, network(), {"array": np.ones(3)}, expected=TypeError)


def test_no_such_folder(tmp_path):
    with pytest.raises(ModelFileError, match=r"m\.npz could not be saved in .*gone: no such file or directory"):
        save_model(tmp_path / "gone" / "m.npz", network())


def test_the_target_is_a_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    assert "directory" in unwritable(tmp_path / "folder", network())


class Softplus(Module):
    def forward(self, x):
        return (1 + x.exp()).log()


@pytest.mark.parametrize(
    ("model", "meta"),
    [
        (lambda: network(np.float16), {}),
        (lambda: network(np.longdouble), {}),
        (lambda: network(hidden=(1,) * 21), {}),
        (lambda: network(activation=Softplus), {}),
        (network, {"log": "x" * 1_100_000}),
    ],
    ids=["float16", "longdouble", "17 hidden layers", "activation of one's own", "large meta"],
)
def test_what_could_not_be_loaded_is_not_saved(saved, model, meta):
    unwritable(saved, model(), meta)


# ---------------------------------------------------------------- files from strangers


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **options)
    return file.getvalue()


def description(text=None, **changes):
    return {"meta.npy": npy(json.dumps(DESCRIPTION | changes) if text is None else text)}


def entries(**arrays):
    """A valid file, entry by entry, with these arrays replaced."""
    (W0, b0), (W1, b1) = ((layer.W.data, layer.b.data) for layer in network().layers)
    arrays = {"layers.0.W": W0, "layers.0.b": b0, "layers.1.W": W1, "layers.1.b": b1} | arrays
    return description() | {f"{name}.npy": npy(array) for name, array in arrays.items()}


def pack(path, contents, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def changed(array, place, value):
    array = array.copy()
    array.flat[place] = value
    return array


W, B = np.ones((4, 3), "<f4"), np.ones(4, "<f4")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_good_file_packed_by_hand_loads(tmp_path, compression):
    model, meta = load_model(pack(tmp_path / "m.npz", entries(), compression))
    assert same(model, network())
    assert meta == META


def test_weights_in_c_order_load(tmp_path):
    weights = W * np.array([1, 2, 3], "<f4")
    model, _ = load_model(pack(tmp_path / "m.npz", entries(**{"layers.0.W": weights})))
    np.testing.assert_array_equal(model.layers[0].W.data, weights)
    assert model.layers[0].W.data.flags.f_contiguous


def test_a_hand_written_header_loads(tmp_path):
    content = with_header("{'shape': (4,), 'fortran_order': True, 'descr': '<f4'}")
    model, _ = load_model(pack(tmp_path / "m.npz", entries() | {"layers.0.b.npy": content}))
    np.testing.assert_array_equal(model.layers[0].b.data, [0, 0, 0, 0])


def without(contents, name):
    return {key: content for key, content in contents.items() if key != name}


def with_header(header):
    """Four float32 zeros with a hand-written header."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode().ljust(117) + b"\n" + bytes(16)


def nested(depth):
    return '{"format": "minigrad model", "version": 1, "meta": ' + "[" * depth + "]" * depth + "}"


STRANGE = {
    "extra array": lambda: entries(extra=B),
    "extra file": lambda: entries() | {"readme.txt": b"hello"},
    "an array more than the network has": lambda: entries(**{"layers.2.b": B}),
    "missing array": lambda: without(entries(), "layers.1.b.npy"),
    "missing description": lambda: without(entries(), "meta.npy"),
    "names without .npy": lambda: {name.removesuffix(".npy"): content for name, content in entries().items()},
    "empty archive": dict,
    "wrong shape": lambda: entries(**{"layers.0.W": np.ones((3, 4), "<f4")}),
    "wrong number of dimensions": lambda: entries(**{"layers.0.b": np.ones((4, 1), "<f4")}),
    "flat weights": lambda: entries(**{"layers.0.W": W.ravel()}),
    "too short": lambda: entries(**{"layers.0.b": B[:3]}),
    "too long": lambda: entries(**{"layers.0.b": np.ones(5, "<f4")}),
    "float16": lambda: entries(**{"layers.0.b": B.astype("<f2")}),
    "float64 in a float32 network": lambda: entries(**{"layers.0.b": B.astype("<f8")}),
    "big endian": lambda: entries(**{"layers.0.b": B.astype(">f4")}),
    "int": lambda: entries(**{"layers.0.b": B.astype("<i4")}),
    "complex": lambda: entries(**{"layers.0.b": B.astype("<c8")}),
    "text for an array": lambda: entries(**{"layers.0.b": np.array(["a"] * 4)}),
    "records": lambda: entries(**{"layers.0.b": np.zeros(4, [("x", "<f4")])}),
    "NaN": lambda: entries(**{"layers.0.W": changed(W, 5, np.nan)}),
    "inf": lambda: entries(**{"layers.0.b": changed(B, 0, np.inf)}),
    "-inf": lambda: entries(**{"layers.0.b": changed(B, 3, -np.inf)}),
    "no npy at all": lambda: entries() | {"layers.0.b.npy": b"x" * 100},
    "empty entry": lambda: entries() | {"layers.0.b.npy": b""},
    "header without numbers": lambda: entries() | {"layers.0.b.npy": npy(B)[:-16]},
    "numbers after the last": lambda: entries() | {"layers.0.b.npy": npy(B) + b"\0\0\0\0"},
    **{
        f"header {header}": lambda header=header: entries() | {"layers.0.b.npy": with_header(header)}
        for header in [
            "",
            "f(4)",
            "[1, 2, 3]",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'more': 1}",
            "{'descr': '<f4', 'fortran_order': 'no', 'shape': (4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4.0,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}",
            "{'descr': '|V4', 'fortran_order': False, 'shape': (4,)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
            "{'descr': 'no such', 'fortran_order': False, 'shape': (4,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 60,
        ]
    },
    "empty description": lambda: entries() | {"meta.npy": b""},
    "description not npy": lambda: entries() | {"meta.npy": json.dumps(DESCRIPTION).encode()},
    "description of bytes": lambda: entries() | description(json.dumps(DESCRIPTION).encode()),
    "description of big-endian text": lambda: entries() | description(np.array(json.dumps(DESCRIPTION), ">U500")),
    "description of numbers": lambda: entries() | description(1.5),
    "description in a list": lambda: entries() | description([json.dumps(DESCRIPTION)]),
    "description of no characters": lambda: entries() | description(""),
    "description not JSON": lambda: entries() | description("{'format': 1}"),
    "description with half a character": lambda: entries() | {"meta.npy": npy("{}")[:-1] + b"\xff"},
    "description a list": lambda: entries() | description("[]"),
    "description null": lambda: entries() | description("null"),
    "description of other JSON": lambda: entries() | description("{}"),
    "nested deeply": lambda: entries() | description(nested(100_000)),
    "a number of 10,000 digits": lambda: entries() | description(nested(0) + "9" * 10_000),
    "other format": lambda: entries() | description(format="another model"),
    "no version": lambda: entries() | description(version=None),
    "version 0": lambda: entries() | description(version=0),
    "version 1.5": lambda: entries() | description(version=1.5),
    "version text": lambda: entries() | description(version="1"),
    "meta a list": lambda: entries() | description(meta=[]),
    "no meta": lambda: entries() | description(meta=None),
    "no network": lambda: entries() | description(network=None),
    "network a list": lambda: entries() | description(network=[3, 4, 2]),
    **{
        f"{field} {str(value)[:20]}": lambda field=field, value=value: (
            entries() | description(network=NETWORK | {field: value})
        )
        for field, values in {
            "sizes": [
                None, 3, {}, "342", [], [3], [3, 2], [3, 4, 2, 2], [2, 4, 3], [3, 4.0, 2], [3, "4", 2], [3, True, 2],
                [3, 0, 2], [3, -4, 2], [10**9, 10**9, 2], [10**400, 4, 2], [3] * 100_000, [[3], [4], [2]],
            ],
            "activation": [None, 1, "", "softplus", "Tanh", ["tanh"], {}],
            "dtype": [None, 4, "", "float16", "float64", "<f4", "object", ["float32"], {}],
        }.items()
        for value in values
    },
}  # fmt: skip


@pytest.mark.parametrize("what", STRANGE)
def test_refused(tmp_path, what):
    refusal(pack(tmp_path / "m.npz", STRANGE[what]()))


def test_a_newer_version_says_so(tmp_path):
    message = refusal(pack(tmp_path / "m.npz", entries() | description(version=2)))
    assert "newer" in message


def test_a_number_that_is_not_finite_is_named_as_the_reason(tmp_path):
    assert "not finite" in refusal(pack(tmp_path / "m.npz", entries(**{"layers.0.b": changed(B, 0, np.nan)})))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), npy(W), bytes(10_000), b"\x80\x04K\x01."],
    ids=["empty", "text", "a zip's first bytes", "empty zip", "bare npy", "zeros", "bare pickle"],
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    refusal(path)


def test_another_programs_npz(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, images=np.zeros((2, 2)))
    assert "not a minigrad model" in refusal(path)
    np.savez(path, meta=np.array('{"format": "something"}'))
    assert "not a minigrad model" in refusal(path)


def test_a_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "gone.npz")


def test_a_folder(tmp_path):
    assert "directory" in refusal(tmp_path)


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.mark.parametrize("name", ["meta.npy", "layers.0.b.npy", "layers.0.W.npy"])
def test_objects_are_never_unpickled(tmp_path, monkeypatch, name):
    monkeypatch.setattr(Trap, "sprung", False)
    content = npy(np.array([Trap()] * 4), allow_pickle=True)
    refusal(pack(tmp_path / "m.npz", entries() | {name: content}))
    assert not Trap.sprung
    np.load(io.BytesIO(content), allow_pickle=True)
    assert Trap.sprung


# ---------------------------------------------------------------- zip archives from strangers


@pytest.mark.parametrize("name", ["meta.npy", "layers.0.b.npy"])
def test_two_entries_of_one_name(saved, name):
    with zipfile.ZipFile(saved, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, archive.read(name))
    assert "same name" in refusal(saved)


def central_headers(content):
    """The positions of the entries in the archive's directory."""
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        yield place
        place = content.find(b"PK\x01\x02", place + 4)


def test_encrypted_entries(saved):
    content = bytearray(saved.read_bytes())
    for place in central_headers(content):
        content[place + 8] |= 1
    saved.write_bytes(content)
    assert "encrypted" in refusal(saved)


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99])
def test_unknown_compression(saved, method):
    content = bytearray(saved.read_bytes())
    for place in central_headers(content):
        content[place + 10] = method
    saved.write_bytes(content)
    refusal(saved)


def declare_size(path, name, declared):
    """Make the archive declare a wrong unpacked size for an entry."""
    content = bytearray(path.read_bytes())
    for place in central_headers(content):
        if content[place + 46 :].startswith(name.encode()):
            content[place + 24 : place + 28] = struct.pack("<I", declared)
    path.write_bytes(content)


BOMB_BYTES = 8 << 20
DEFLATE, BZIP2, LZMA = zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA


def peak_bytes(f, *args):
    """The peak memory of a call."""
    tracemalloc.start()
    try:
        f(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["meta.npy", "layers.0.W.npy"])
@pytest.mark.parametrize(
    ("compression", "declared"),
    [(DEFLATE, True), (DEFLATE, False), (BZIP2, False), (LZMA, False)],
    ids=["declared", "deflate", "bzip2", "lzma"],
)
def test_a_bomb_does_not_go_off(tmp_path, name, compression, declared):
    contents = entries()
    size = len(contents[name])
    contents[name] += bytes(BOMB_BYTES)
    path = pack(tmp_path / "m.npz", contents, compression)
    assert path.stat().st_size < BOMB_BYTES / 500
    if not declared:
        declare_size(path, name, size)
    assert peak_bytes(refusal, path) < 4 << 20


def test_a_description_of_megabytes_is_not_read(tmp_path):
    contents = entries() | description(note="x" * 2_000_000)
    path = pack(tmp_path / "m.npz", contents, DEFLATE)
    del contents
    assert peak_bytes(refusal, path) < 4 << 20


def test_a_network_is_not_allocated_before_its_arrays_are_there(tmp_path):
    large = entries() | description(network=NETWORK | {"sizes": [7000, 7000, 2]})
    assert peak_bytes(refusal, pack(tmp_path / "m.npz", large)) < 4 << 20


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, DEFLATE])
def test_no_more_memory_is_taken_than_the_network_needs_twice(tmp_path, compression):
    model = MLP(500, (700,), 600, dtype=np.float32)
    save_model(tmp_path / "m.npz", model)
    with zipfile.ZipFile(tmp_path / "m.npz") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    path = pack(tmp_path / "packed.npz", contents, compression)
    needed = sum(parameter.data.nbytes for parameter in model.parameters())
    assert needed <= peak_bytes(load_model, path) < 2 * needed + (1 << 20)


# ---------------------------------------------------------------- damage


def loads(path):
    """Whether a damaged file loads; if it does, it must give the original network."""
    loaded, _ = attempt(path)
    if loaded:
        assert same(loaded[0], network())
        assert loaded[1] == META
    return loaded is not None


@pytest.fixture(params=["stored", "deflated"])
def whole(request, saved):
    """A path, and the bytes of a valid file."""
    if request.param == "deflated":
        pack(saved, entries(), zipfile.ZIP_DEFLATED)
    return saved, saved.read_bytes()


def test_truncated_anywhere(whole):
    path, content = whole
    for length in range(len(content)):
        path.write_bytes(content[:length])
        refusal(path)


def test_with_a_part_missing(whole):
    path, content = whole
    rng = random.Random(0)
    for _ in range(300):
        start = rng.randrange(len(content))
        path.write_bytes(content[:start] + content[start + rng.choice([1, 2, 4, 16, 100]) :])
        loads(path)


def test_flipped_bits(whole):
    path, content = whole
    rng = random.Random(0)
    refused = 0
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        refused += not loads(path)
    assert refused > len(content) / 2


def test_scrambled_in_many_places(whole):
    path, content = whole
    rng = random.Random(0)
    for _ in range(500):
        damaged = bytearray(content)
        for _ in range(rng.choice([2, 5, 30])):
            damaged[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(damaged)
        loads(path)


def test_scrambled_entries_with_a_right_checksum(tmp_path):
    rng = random.Random(0)
    path = tmp_path / "m.npz"
    for _ in range(500):
        contents = entries()
        name = rng.choice(list(contents))
        content = bytearray(contents[name])
        for _ in range(rng.choice([1, 3])):
            content[rng.randrange(len(content))] = rng.choice(b"\0\xff '(),:<>[]0123456789AZabfiOU|{}")
        loaded, _ = attempt(pack(path, contents | {name: bytes(content)}))
        if loaded:
            assert loaded[0].sizes == SIZES
            assert all(np.isfinite(p.data).all() for p in loaded[0].parameters())


@pytest.mark.parametrize("garbage", [b"\0", b"PK\x05\x06", b"PK\x05\x06" * 30, b"garbage" * 20_000], ids=len)
def test_garbage_around(whole, garbage):
    path, content = whole
    for surrounded in (content + garbage, garbage + content):
        path.write_bytes(surrounded)
        loads(path)


def test_a_list_of_entries_that_claims_to_be_long_is_not_read(tmp_path):
    contents = {f"{number:08}": b"" for number in range(10_000)}
    path = pack(tmp_path / "m.npz", entries() | contents)
    assert peak_bytes(refusal, path) < 1 << 20


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "m.npz")
    assert "pipe" in refusal(tmp_path / "m.npz")


def test_a_checkpoint_says_that_it_is_one(tmp_path):
    path = pack(tmp_path / "m.npz", entries() | description(format="minigrad checkpoint"))
    assert "but a minigrad checkpoint" in refusal(path)


def test_files_of_version_1_always_open():
    model, meta = load_model(Path(__file__).parent / "files" / "model-1.npz")
    assert (model.sizes, type(model.activation), model.dtype) == ((6, 4, 3), Tanh, np.float32)
    assert meta == {"note": "kept since version 1"}
    outputs = model(np.linspace(-1, 1, 6, dtype=np.float32)).data
    np.testing.assert_allclose(outputs, [0.505512, 1.256035, 3.457042], rtol=1e-5)


def test_a_user_defined_module_is_rejected_in_one_sentence(tmp_path):
    class Own(Module):
        pass

    class Wider(MLP):
        pass

    for model in (Own(), Linear(3, 2), Wider(3, [], 2)):
        with pytest.raises(ModelFileError, match=f"Only an MLP can be saved, not a {type(model).__name__}"):
            save_model(tmp_path / "own.npz", model)
    assert not (tmp_path / "own.npz").exists()


def test_a_network_is_saved_with_the_sizes_that_its_arrays_have(tmp_path):
    model = MLP(4, [3], 2)
    for layer, (fan_in, fan_out) in zip(model.layers, [(4, 7), (7, 2)], strict=True):
        layer.W.data, layer.b.data = np.ones((fan_out, fan_in)), np.ones(fan_out)
    save_model(tmp_path / "wider.npz", model)
    assert load_model(tmp_path / "wider.npz")[0].sizes == (4, 7, 2)


def test_frozen_and_tied_parameters_are_saved_too(tmp_path):
    model = MLP(3, (3, 3), 3, rng=np.random.default_rng(0), init="xavier")
    model.layers[1] = model.layers[0]
    model.layers[2].b.requires_grad = False
    save_model(tmp_path / "model.npz", model)
    loaded, _ = load_model(tmp_path / "model.npz")
    x = np.random.default_rng(1).random((5, 3))
    np.testing.assert_array_equal(loaded(x).data, model(x).data)

"""Instructions that Numba has no words for, in LLVM's own: tiles of products, signals between threads, subnormals as 0.

A tile is a few rows of a product by a few vectors of its columns. Its sums stay in the processor's registers until all
products are added, in the order of k. So a sum has the same bits wherever its tile begins and however large it is.

The functions say in Python what the instructions do; `intrinsics()` returns the instructions, by the same names.
"""

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from engine.ops import Array

Function = Callable[..., Any]

VECTOR_BYTES, VECTORS = 64, 4
"""The size of a vector register, and how many of them a tile is wide. `intrinsics` has those of this processor."""
TILE_ROWS, SPARSE_TILE_ROWS = 4, 2
WITHOUT_SUBNORMALS = 0x9FC0
"""The mode of x86 (MXCSR) at a program's start, but operands and results nearer to 0 than normal numbers are 0."""


def wide_tile(a: Array, row: int, count: int, b: Array, out: Array, adds: bool) -> None:
    """out[row : row + 4] = a[row : row + 4, :count] @ b[:count], or += if it adds; VECTORS wide.

    Beyond the last row there is nothing. The rows of b and out are contiguous, and at least as wide.
    """
    _tile(a, row, TILE_ROWS, range(count), b, out, VECTORS, adds)


def narrow_tile(a: Array, row: int, count: int, b: Array, out: Array, adds: bool) -> None:
    """As `wide_tile`, but one vector wide."""
    _tile(a, row, TILE_ROWS, range(count), b, out, 1, adds)


def wide_sparse_tile(a: Array, row: int, places: Any, b: Array, out: Array, adds: bool) -> None:
    """As `wide_tile`, with two rows, twice as wide, and for some of 64 k.

    places: uint64, whose bit k says whether to add a[:, k] b[k].
    """
    _tile(a, row, SPARSE_TILE_ROWS, _bits(places), b, out, 2 * VECTORS, adds)


def narrow_sparse_tile(a: Array, row: int, places: Any, b: Array, out: Array, adds: bool) -> None:
    """As `wide_sparse_tile`, but one vector wide."""
    _tile(a, row, SPARSE_TILE_ROWS, _bits(places), b, out, 1, adds)


def _tile(a: Array, row: int, rows: int, places: Iterable[int], b: Array, out: Array, vectors: int, adds: bool) -> None:
    width = vectors * VECTOR_BYTES // a.itemsize
    tile = out[row : row + rows, :width]
    if not adds:
        tile[:] = 0
    for k in places:
        tile += a[row : row + rows, k, np.newaxis] * b[k, :width]


def _bits(places: Any) -> list[int]:
    return [k for k in range(64) if int(places) >> k & 1]


def nonzeros(a: Array, row: int, vectors: int) -> Any:
    """uint64, whose bit k says whether a[row, k] or a[row + 1, k] is not 0; k counts through so many vectors.

    Beyond the last row there is nothing.
    """
    numbers = a[row : row + SPARSE_TILE_ROWS, : vectors * VECTOR_BYTES // a.itemsize]
    return np.uint64(sum(1 << k for k, is_needed in enumerate((numbers != 0).any(axis=0).tolist()) if is_needed))


def ones(bits: Any) -> Any:
    """How many bits of a uint64 are set, as a whole number."""
    return int(bits).bit_count()


def transpose(a: Array, row: int, column: int, out: Array, out_row: int, out_column: int) -> None:
    """A square of out, from this place on, = one of a, transposed; it is as wide as a vector."""
    size = VECTOR_BYTES // a.itemsize
    square = a[row : row + size, column : column + size]
    out[out_row : out_row + size, out_column : out_column + size] = square.T


def signal(signals: Array, row: int, step: int) -> None:
    """signals[row, 0] = step; a thread that has seen it sees everything that this one wrote before."""
    signals[row, 0] = step


def signalled(signals: Array, row: int) -> int:
    """signals[row, 0]; see `signal`."""
    return int(signals[row, 0])


def exchange_float_mode(mode: int) -> int:
    """Set this thread's mode for floating-point numbers, on x86. Returns the one before.

    Intel's processors take 20 times as long and more for subnormal numbers, and both a dead neuron's means and a
    saturated one's gradients become such.
    """
    return mode


def intrinsics() -> dict[str, Any]:
    """By name, the functions for Numba and the sizes that suit this processor. Raises ImportError without Numba."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        vector_bytes, vectors = 64, 4
    elif features.get("avx"):
        vector_bytes, vectors = 32, 2  # there are 16 registers, elsewhere 32
    else:
        vector_bytes, vectors = 16, 4 if features.get("neon") else 2
    write = _Writer(vector_bytes)
    return {
        "VECTOR_BYTES": vector_bytes,
        "VECTORS": vectors,
        "wide_tile": write.tile(wide_tile, TILE_ROWS, vectors),
        "narrow_tile": write.tile(narrow_tile, TILE_ROWS, 1),
        "wide_sparse_tile": write.tile(wide_sparse_tile, SPARSE_TILE_ROWS, 2 * vectors),
        "narrow_sparse_tile": write.tile(narrow_sparse_tile, SPARSE_TILE_ROWS, 1),
        "nonzeros": write.nonzeros(),
        "ones": write.ones(),
        "transpose": write.transpose(),
        "signal": write.signal(),
        "signalled": write.signalled(),
        "exchange_float_mode": write.exchange_float_mode(bool(features.get("sse2"))),
    }


class _Writer:
    """Writes code for vectors of this many bytes."""

    def __init__(self, vector_bytes: int) -> None:
        from llvmlite import ir

        self._ir, self._vector_bytes = ir, vector_bytes
        self._int, self._lane = ir.IntType(64), ir.IntType(32)

    def tile(self, function: Function, rows: int, vectors: int) -> Any:
        """A tile of so many rows and vectors."""
        from numba import types
        from numba.core import cgutils

        def write(builder: Any, arrays: dict[str, "_Array"], values: dict[str, Any]) -> None:
            a, b, out = arrays["a"], arrays["b"], arrays["out"]
            vector = self._vector(a)
            lanes, last = vector.count, builder.sub(a.shape[0], self._int(1))
            at = [builder.add(values["row"], self._int(row)) for row in range(rows)]
            at = [builder.select(builder.icmp_signed("<", row, last), row, last) for row in at]
            sums = [[cgutils.alloca_once(builder, vector) for _ in range(vectors)] for _ in at]
            cells = [
                (total, out.pointer(row, self._int(lanes * place), vector))
                for row, row_sums in zip(at, sums, strict=True)
                for place, total in enumerate(row_sums)
            ]
            with builder.if_else(cgutils.is_true(builder, values["adds"])) as (adds, begins):
                with adds:
                    for total, cell in cells:
                        builder.store(builder.load(cell, align=a.item_bytes), total)
                with begins:
                    for total, _ in cells:
                        builder.store(vector(None), total)

            def add_products(k: Any) -> None:
                b_row = [
                    builder.load(b.pointer(k, self._int(lanes * place), vector), align=a.item_bytes)
                    for place in range(vectors)
                ]
                for row, row_sums in zip(at, sums, strict=True):
                    factor = self._in_all_lanes(builder, builder.load(a.pointer(row, k)), vector)
                    for part, total in zip(b_row, row_sums, strict=True):
                        product = builder.fmul(factor, part, flags=("contract",))
                        builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)

            if "places" in values:
                left = cgutils.alloca_once_value(builder, values["places"])
                self._for_each_bit(builder, left, add_products)
            else:
                with cgutils.for_range(builder, values["count"], intp=self._int) as loop:
                    add_products(loop.index)
            for total, cell in cells:
                builder.store(builder.load(total), cell, align=a.item_bytes)

        return _intrinsic(function, write, types.void, adds=types.boolean, places=types.uint64)

    def _for_each_bit(self, builder: Any, left: Any, body: Callable[[Any], None]) -> None:
        """Run the body for the number of each bit that is set in the number at `left`, the lowest first."""
        test, loop, end = (builder.append_basic_block(name) for name in ("test", "bit", "end"))
        zero, one = self._int(0), self._int(1)
        builder.branch(test)
        builder.position_at_end(test)
        bits = builder.load(left)
        builder.cbranch(builder.icmp_unsigned("!=", bits, zero), loop, end)
        builder.position_at_end(loop)
        builder.store(builder.and_(bits, builder.sub(bits, one)), left)
        body(builder.cttz(bits, self._ir.IntType(1)(1)))
        builder.branch(test)
        builder.position_at_end(end)

    def nonzeros(self) -> Any:
        from numba import types
        from numba.core import cgutils

        def write(builder: Any, arrays: dict[str, "_Array"], values: dict[str, Any]) -> Any:
            a = arrays["a"]
            vector = self._vector(a)
            last, lanes = builder.sub(a.shape[0], self._int(1)), self._int(vector.count)
            next_row = builder.add(values["row"], self._int(1))
            rows = values["row"], builder.select(builder.icmp_signed("<", next_row, last), next_row, last)
            bits = cgutils.alloca_once_value(builder, self._int(0))
            with cgutils.for_range(builder, values["vectors"], intp=self._int) as loop:
                column = builder.mul(loop.index, lanes)
                masks = []
                for row in rows:
                    numbers = builder.load(a.pointer(row, column, vector), align=a.item_bytes)
                    masks.append(builder.fcmp_unordered("!=", numbers, vector(None)))
                mask = builder.bitcast(builder.or_(*masks), self._ir.IntType(vector.count))
                shifted = builder.shl(builder.zext(mask, self._int), column)
                builder.store(builder.or_(builder.load(bits), shifted), bits)
            return builder.load(bits)

        return _intrinsic(nonzeros, write, types.uint64)

    def ones(self) -> Any:
        from numba import types

        def write(builder: Any, _arrays: dict[str, "_Array"], values: dict[str, Any]) -> Any:
            return builder.ctpop(values["bits"])

        return _intrinsic(ones, write, types.int64, bits=types.uint64)

    def transpose(self) -> Any:
        from numba import types

        def write(builder: Any, arrays: dict[str, "_Array"], values: dict[str, Any]) -> None:
            a, out = arrays["a"], arrays["out"]
            vector = self._vector(a)
            lanes = vector.count

            def rows(array: _Array, row: str, column: str) -> list[Any]:
                return [
                    array.pointer(builder.add(values[row], self._int(lane)), values[column], vector)
                    for lane in range(lanes)
                ]

            numbers = [builder.load(row, align=a.item_bytes) for row in rows(a, "row", "column")]
            size = 1
            while size < lanes:  # swap the off-diagonal blocks of this size
                for row in range(lanes):
                    if not row & size:
                        pair = numbers[row], numbers[row + size]
                        upper = [lanes + lane - size if lane & size else lane for lane in range(lanes)]
                        lower = [lanes + lane if lane & size else lane + size for lane in range(lanes)]
                        numbers[row] = builder.shuffle_vector(*pair, self._lanes(upper))
                        numbers[row + size] = builder.shuffle_vector(*pair, self._lanes(lower))
                size *= 2
            for number, row in zip(numbers, rows(out, "out_row", "out_column"), strict=True):
                builder.store(number, row, align=a.item_bytes)

        return _intrinsic(transpose, write, types.void)

    def signal(self) -> Any:
        from numba import types

        def write(builder: Any, arrays: dict[str, "_Array"], values: dict[str, Any]) -> None:
            place = arrays["signals"].pointer(values["row"], self._int(0))
            builder.store_atomic(values["step"], place, "release", 8)

        return _intrinsic(signal, write, types.void)

    def signalled(self) -> Any:
        from numba import types

        def write(builder: Any, arrays: dict[str, "_Array"], values: dict[str, Any]) -> Any:
            return builder.load_atomic(arrays["signals"].pointer(values["row"], self._int(0)), "acquire", 8)

        return _intrinsic(signalled, write, types.int64)

    def exchange_float_mode(self, is_x86: bool) -> Any:
        from numba import types
        from numba.core import cgutils

        def write(builder: Any, _arrays: dict[str, "_Array"], values: dict[str, Any]) -> Any:
            if not is_x86:
                return values["mode"]
            byte = self._ir.IntType(8).as_pointer()
            kind = self._ir.FunctionType(self._ir.VoidType(), [byte])
            before = cgutils.alloca_once(builder, self._lane)
            now = cgutils.alloca_once_value(builder, builder.trunc(values["mode"], self._lane))
            for name, place in (("stmxcsr", before), ("ldmxcsr", now)):
                instruction = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
                builder.call(instruction, [builder.bitcast(place, byte)])
            return builder.zext(builder.load(before), self._int)

        return _intrinsic(exchange_float_mode, write, types.int64)

    def _vector(self, array: "_Array") -> Any:
        return self._ir.VectorType(array.item, self._vector_bytes // array.item_bytes)

    def _lanes(self, numbers: list[int]) -> Any:
        return self._ir.Constant(self._ir.VectorType(self._lane, len(numbers)), numbers)

    def _in_all_lanes(self, builder: Any, number: Any, vector: Any) -> Any:
        nothing = self._ir.Constant(vector, self._ir.Undefined)
        first = builder.insert_element(nothing, number, self._lane(0))
        return builder.shuffle_vector(first, nothing, self._lanes([0] * vector.count))


class _Array:
    """A matrix in machine code: its shape and strides, and pointers to its numbers."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        from llvmlite import ir
        from numba.core import cgutils

        array = context.make_array(kind)(context, builder, value)
        self._ir, self._builder, self._data = ir, builder, array.data
        self.item, self.item_bytes = context.get_data_type(kind.dtype), kind.dtype.bitwidth // 8
        self.shape = cgutils.unpack_tuple(builder, array.shape, 2)
        self._row_bytes, self._column_bytes = cgutils.unpack_tuple(builder, array.strides, 2)

    def pointer(self, row: Any, column: Any, to: Any = None) -> Any:
        """To the number in this row and column, or to the vector that begins there."""
        builder, byte = self._builder, self._ir.IntType(8)
        column_bytes = self._ir.IntType(64)(self.item_bytes) if to else self._column_bytes
        start = builder.gep(builder.bitcast(self._data, byte.as_pointer()), [builder.mul(row, self._row_bytes)])
        place = builder.gep(start, [builder.mul(column, column_bytes)])
        return builder.bitcast(place, (to or self.item).as_pointer())


def _intrinsic(
    function: Function, write: Callable[[Any, dict[str, _Array], dict[str, Any]], Any], result: Any, **kinds: Any
) -> Any:
    """This function for Numba: its arguments are matrices and whole numbers, unless `kinds` has their type.

    write: gets a builder, the matrices and the numbers, and returns the result, if there is one.
    """
    from numba import types
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, kind_of: Any, given: Any) -> Any:
        arrays, values = {}, {}
        for name, kind, value in zip(names, kind_of.args, given, strict=True):
            if isinstance(kind, types.Array):
                arrays[name] = _Array(context, builder, kind, value)
            else:
                values[name] = context.cast(builder, value, kind, kinds.get(name, types.intp))
        written = write(builder, arrays, values)
        return context.get_dummy_value() if written is None else written

    def declare(_context: Any, *given: Any) -> Any:
        return result(*given), generate

    arguments = list(signature(function).parameters.values())
    names = [argument.name for argument in arguments]
    first = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD)
    declare.__signature__ = Signature([first, *arguments])  # type: ignore[attr-defined]
    return intrinsic(declare)

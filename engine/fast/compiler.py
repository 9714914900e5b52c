"""Compiles the loops of `engine.fast.compiled` with Numba, if it is installed, or loads them from its cache on disk.

Numba links all that a function calls into it, and LLVM would optimize that again for each caller. So the larger loops
are compiled apart, for arguments of fixed types, and called by symbols that are made known before a caller is loaded.
To compile a caller, only these types must be known, so two processes can compile both at once.
"""

import logging
import os
from functools import cache
from inspect import Parameter, Signature, signature
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine import hashing
from engine.augment import Draws
from engine.fast import compiled, intrinsics, products
from engine.fast.compiled import (
    WEIGHTS,
    Form,
    Loop,
    Memory,
    activate,
    activation_vjp,
    adam,
    bias_gradient,
    bump_height,
    change_pen_width,
    clip_factor,
    coefficients,
    cross_entropy,
    do_steps,
    drop,
    layer_at,
    mask,
    meet,
    moments_at,
    momentum,
    no_memory,
    normalize,
    normalize_vjp,
    optimize,
    penalised,
    propagate,
    read_inputs,
    read_only,
    resample,
    sgd,
    squares,
    tanh_single,
    update,
    updated,
    values_at,
    varied,
    wait_until,
    work,
)
from engine.fast.products import AS_IT_IS, product, sparse_product
from engine.hashing import mixed

_FREEDOM: dict[Loop, set[str]] = {resample: {"contract"}, squares: {"contract", "reassoc"}}
"""Loops in which the compiler may fuse a product and a sum into one operation, or add in any order: both round
differently."""
_CALLED_BY_PYTHON = {
    *(product, sparse_product, adam, activate, bias_gradient, activation_vjp, cross_entropy, varied, work),
}
"""By the engine or by tests. Unpacking the arguments of all would take a fifth of the time of compiling."""
_MAKE_ARRAYS = {sparse_product, drop, resample, varied}
"""In the others Numba does not count references to arrays, which all workers would change in the same places."""
_RETURN_ARRAYS = {values_at, layer_at, moments_at}
"""Without these counts Numba allows that only where the code becomes a part of the caller's."""
_LOOPS = (
    *products.LOOPS,
    *(adam, momentum, sgd, tanh_single, activate, bias_gradient, activation_vjp, mixed, drop, cross_entropy),
    *(bump_height, coefficients, resample, change_pen_width, varied, read_inputs, values_at, layer_at),
    *(meet, moments_at, normalize, normalize_vjp, propagate),
    *(penalised, squares, clip_factor, optimize, mask, update, wait_until, updated, do_steps, work),
)
_VARY = {coefficients, resample, change_pen_width, varied}
"""Loops for float32 alone: in other dtypes pictures are varied by a graph."""
NOWHERE = 1
"""An address without code."""
_LEFT_TO_CALLERS = {activate, bias_gradient, activation_vjp, adam, momentum, sgd, read_inputs, propagate, update}
"""Of the loops that are compiled apart: so `compile_apart` takes as long as what it leaves to another process."""


@cache
def _apart(dtype: str) -> dict[Loop, tuple[Any, ...]]:
    """The loops that are compiled apart from those that call them, with arguments of the types that they are compiled
    for. Otherwise LLVM would optimize each of them again as a part of each caller.
    """
    whole, row, indices, count = np.empty((2, 3), dtype), np.empty(1, dtype), np.empty(1, np.intp), 0
    part, losses = whole[:, :2], np.empty(1)
    singles, bits, pixels = np.empty((1, 1), np.float32), np.empty(1, np.uint32), read_only(np.empty((1, 1), np.uint8))
    draws, form = Draws(singles, np.empty(1, np.int64), singles[0]), Form(0, singles, singles, 0.0)
    memory = no_memory(dtype)
    return {
        product: (part, part, AS_IT_IS, part, row),
        sparse_product: (part, AS_IT_IS, part, AS_IT_IS, part, row),
        adam: (row, row, row, row, row),
        momentum: (row, row, row, row),
        sgd: (row, row, row),
        activate: (whole, row, count),
        bias_gradient: (part, row),
        activation_vjp: (whole, whole, count, 0.0),
        drop: (whole, count, count, count, memory.dropout),
        normalize: (memory, count, count, count, count, count, count, whole),
        normalize_vjp: (memory, count, count, count, count, count, count, whole),
        cross_entropy: (whole, indices, count, 0.0, whole, losses),
        coefficients: (draws, count, form, singles),
        resample: (pixels[0], count, count, singles[0], singles[0], bits, bits, row),
        change_pen_width: (whole, np.float32(0), singles[0]),
        varied: (pixels, indices, draws, count, form, whole),
        read_inputs: (memory, indices, count, whole),
        propagate: (memory, count, count, indices, count, count, count, count, losses),
        update: (memory, count, indices, row, count, WEIGHTS),
    }


def compile_apart() -> None:
    """Compile, or load, most of the loops that are compiled apart, in float32. Raises if that fails."""
    compiler = _compiled(True)
    for loop in _compiled_apart():
        compiler.link_loop(loop, np.float32)


def expect_apart() -> None:
    """Let callers be compiled without what `compile_apart` compiles. Running them would crash this process."""
    compiler = _compiled(True)
    for loop in _compiled_apart():
        compiler.expect(loop, np.float32)


def _compiled_apart() -> list[Loop]:
    return [loop for loop in _apart("float32") if loop not in _LEFT_TO_CALLERS]


def machine_code(loop: Loop, *example: Any) -> Loop | None:
    """The compiled loop, tested on the example. None without Numba, or if compiling fails, which is logged."""
    reason = ""
    for is_cached in (True, False):
        try:
            compiler = _compiled(is_cached)
            if loop in (work, varied):  # they call others
                compiler.link(example[-1].parameters.dtype if loop is work else example[-1].dtype)
            machine: Loop = compiler.loops[loop.__name__]
            machine(*example)
        except ModuleNotFoundError:
            return None
        except Exception as error:  # with the cache: its folder cannot be created, or its files are damaged
            reason = f"{type(error).__name__}: {error}"
        else:
            if reason:
                _log_anew(reason)
            return machine
    _log_failure(loop.__name__, reason)
    return None


@cache  # once
def _log_anew(reason: str) -> None:
    logging.getLogger("minigrad").warning("Training is compiled anew each time, as it cannot be cached: %s", reason)


@cache  # once
def _log_failure(name: str, reason: str) -> None:
    logging.getLogger("minigrad").warning("Training is slow because %r cannot be compiled: %s", name, reason)


class _Compiler:
    """Compiles loops on their first call, or loads them from the cache. Raises ImportError without Numba."""

    def __init__(self, is_cached: bool) -> None:
        from numba import njit, types

        self.loops: dict[str, Any] = {}
        self._known: set[str] = set()
        """The symbols of the loops that can be called."""
        # Functions with the same code, whose globals are the compiled loops instead of the Python ones.
        names: dict[str, Any] = vars(hashing) | vars(products) | vars(compiled) | intrinsics.intrinsics()
        names["yield_thread"] = types.ExternalFunction(
            "SwitchToThread" if os.name == "nt" else "sched_yield", types.intc()
        )
        apart = _apart("float32")
        for loop in _LOOPS:
            name = loop.__name__
            options: dict[str, Any] = {
                "fastmath": _FREEDOM.get(loop, False),
                "inline": "always" if loop in _RETURN_ARRAYS else "never",
                "no_cfunc_wrapper": True,
                "no_cpython_wrapper": loop not in _CALLED_BY_PYTHON,
                "_nrt": loop in _MAKE_ARRAYS,
            }
            # NumPy's rules for x / 0 let the loop use vector instructions.
            compile = njit(error_model="numpy", nogil=True, cache=is_cached, **options)
            self.loops[name] = compile(FunctionType(loop.__code__, names, name))
            names[name] = self._call(loop) if loop in apart else self.loops[name]

    def link(self, dtype: DTypeLike) -> None:
        """Compile or load the loops that are compiled apart, for arrays of this dtype; others can then call them."""
        for loop in _apart(np.dtype(dtype).name):
            if loop in _VARY and dtype != np.float32:
                self.expect(loop, dtype)
            else:
                self.link_loop(loop, dtype)

    def link_loop(self, loop: Loop, dtype: DTypeLike) -> None:
        """Compile or load one of them, unless its symbol is known."""
        if (symbol := _symbol(loop, dtype)) in self._known:
            return
        kinds, result = _types(loop, dtype)
        dispatcher = self.loops[loop.__name__]
        dispatcher.compile(kinds)
        found = dispatcher.overloads[kinds]
        if found.signature.return_type != result:
            raise TypeError(f"{loop.__name__} returns {found.signature.return_type}, not {result}")
        self._add_symbol(symbol, found.library.get_pointer_to_function(found.fndesc.llvm_func_name))

    def expect(self, loop: Loop, dtype: DTypeLike) -> None:
        """Make its symbol known, which LLVM asks for when it compiles a caller, but not its code."""
        self._add_symbol(_symbol(loop, dtype), NOWHERE)

    def _add_symbol(self, symbol: str, address: int) -> None:
        from llvmlite import binding

        binding.add_symbol(symbol, address)
        self._known.add(symbol)

    @staticmethod
    def _call(loop: Loop) -> Any:
        """For other loops: calls this one without taking its code in."""
        from numba.core import cgutils
        from numba.extending import intrinsic

        def declare(_context: Any, *given: Any) -> Any:
            dtype = _dtype(given)
            kinds, result = _types(loop, dtype)
            symbol = _symbol(loop, dtype)

            def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
                convention = context.call_conv
                kind = convention.get_function_type(result, kinds)
                function = cgutils.get_or_insert_function(builder.module, kind, symbol)  # type: ignore[no-untyped-call]
                status, returned = convention.call_function(builder, function, result, kinds, values)
                with builder.if_then(status.is_error, likely=False):
                    convention.return_status_propagate(builder, status)
                return returned

            return result(*kinds), generate

        first = Parameter("context", Parameter.POSITIONAL_OR_KEYWORD)
        declare.__signature__ = Signature([first, *signature(loop).parameters.values()])  # type: ignore[attr-defined]
        return intrinsic(declare)


def _dtype(kinds: tuple[Any, ...]) -> str:
    """The dtype that a loop with arguments of these types is compiled for: that of the network's numbers.

    Without a `Memory` these are in the last of the arrays with most dimensions.
    """
    from numba import types

    for kind in kinds:
        if isinstance(kind, types.NamedTuple) and kind.instance_class is Memory:
            return str(kind[Memory._fields.index("parameters")].dtype)
    arrays = [kind for kind in kinds if isinstance(kind, types.Array)]
    most = max(array.ndim for array in arrays)
    return str([array.dtype for array in arrays if array.ndim == most][-1])


def _types(loop: Loop, dtype: DTypeLike) -> tuple[tuple[Any, ...], Any]:
    """The types of the arguments and of the result of a loop that is compiled apart."""
    from numba import typeof, types

    result = types.none if signature(loop).return_annotation is None else types.intp
    return tuple(map(typeof, _apart(np.dtype(dtype).name)[loop])), result


def _symbol(loop: Loop, dtype: DTypeLike) -> str:
    return f"minigrad.{loop.__name__}.{np.dtype(dtype).name}"


@cache
def _compiled(is_cached: bool) -> _Compiler:
    return _Compiler(is_cached)

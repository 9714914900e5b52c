"""Expressions that a person types, such as (a * b + c).tanh(), evaluated with Tensors.

Nothing is passed to Python's own eval: the text is parsed, and only what is listed here is computed. Sizes are checked
before anything is computed, so that no expression takes long or needs much memory.
"""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine import Tensor, functions

MAX_CHARACTERS = 300
MAX_ELEMENTS = 10_000
MAX_AXES = 6

Value = Tensor | float

BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
ELEMENTWISE = ("abs", "exp", "log", "sqrt", "relu", "sigmoid", "tanh")
REDUCTIONS = ("sum", "mean", "max", "min", "var", "std", "prod", "cumsum", "softmax", "log_softmax")
"""Methods that take an axis."""
RESHAPING = ("reshape", "transpose", "swapaxes", "flatten", "squeeze", "expand_dims")
"""Methods that take integers."""
WITH_NUMBERS = ("leaky_relu", "clip")
METHODS = (*ELEMENTWISE, *REDUCTIONS, *RESHAPING, *WITH_NUMBERS)
OF_TWO: dict[str, Callable[[Any, Any], Tensor]] = {"maximum": functions.maximum, "minimum": functions.minimum}
OF_MANY: dict[str, Callable[[Any], Tensor]] = {"concatenate": functions.concatenate, "stack": functions.stack}
NUMBER_OPTIONS, INTEGER_OPTIONS = ("min", "max", "slope"), ("axis", "keepdims", "ddof")


class ExpressionError(ValueError):
    """What is wrong with an expression, in one sentence."""


def numbers(text: str) -> Tensor:
    """A Tensor that requires a gradient from a number or a list, as in "2", "-0.5" or "[[1, 2], [3, 4]]".

    Raises ExpressionError.
    """
    try:
        return Tensor(np.array(_literal(_parsed(text)), np.float64), requires_grad=True)
    except ValueError as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError("The rows of a list must have the same length.") from None


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _number(number)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _literal(operand)
            if isinstance(number, float):
                return UNARY[type(sign)](number)
        case ast.List(elts=elements) | ast.Tuple(elts=elements) if elements:
            return [_literal(element) for element in elements]
    raise ExpressionError("Write a number such as 0.5, or a list such as [1, 2] or [[1, 2], [3, 4]].")


def evaluate(text: str, values: Mapping[str, Tensor]) -> Tensor:
    """The result of an expression with these values. Raises ExpressionError."""
    with np.errstate(all="ignore"):
        try:
            result = _Evaluation(values).value(_parsed(text))
        except ExpressionError:
            raise
        except OverflowError:
            raise ExpressionError("A number is too large.") from None
        except (ZeroDivisionError, ValueError, TypeError, IndexError) as error:
            reason = str(error).split("\n")[0].rstrip(".")
            raise ExpressionError(f"This cannot be computed: {reason}.") from None
    if not isinstance(result, Tensor) or not result.requires_grad:
        raise ExpressionError(f"The result depends on none of {', '.join(values)}.")
    return result


def _parsed(text: str) -> ast.expr:
    if not text.strip():
        raise ExpressionError("Type an expression such as (a * b + c).tanh().")
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"An expression may have {MAX_CHARACTERS} characters, not {len(text)}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"This is not an expression: {str(error.msg).rstrip('.')}.") from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("This is not an expression.") from None


def _number(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ExpressionError("A number is too large.") from None


class _Evaluation:
    """Computes the value of each part of an expression."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self._values = values

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return _number(number)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in UNARY:
                result: Value = UNARY[type(sign)](self.value(operand))
                return result
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in BINARY:
                return _of_two(BINARY[type(sign)], self.value(left), self.value(right), type(sign) is ast.MatMult)
            case ast.Attribute(value=operand, attr="T"):
                return self._tensor(operand).T
            case ast.Subscript(value=operand, slice=index):
                return _bounded(self._tensor(operand)[_index(index)])
            case ast.Call(func=ast.Attribute(value=operand, attr=name)) if name in METHODS:
                return self._method(name, self._tensor(operand), node.args, node.keywords)
            case ast.Call(func=ast.Name(id=name), args=[first, *others]):
                return self._function(name, first, others, node.keywords)
        raise ExpressionError(f"{_shown(node)} is not available here.")

    def _named(self, name: str) -> Tensor:
        if name not in self._values:
            raise ExpressionError(f"There is no {_clipped(name)}: use {', '.join(self._values)} and numbers.")
        return self._values[name]

    def _tensor(self, node: ast.expr) -> Tensor:
        value = self.value(node)
        return value if isinstance(value, Tensor) else Tensor(value)

    def _method(self, name: str, value: Tensor, args: list[ast.expr], keywords: list[ast.keyword]) -> Tensor:
        read, allowed = (_literal_number, NUMBER_OPTIONS) if name in WITH_NUMBERS else (_integers, INTEGER_OPTIONS)
        return _bounded(getattr(value, name)(*map(read, args), **_options(keywords, read, allowed)))

    def _function(self, name: str, first: ast.expr, others: list[ast.expr], keywords: list[ast.keyword]) -> Value:
        if name in OF_TWO and len(others) == 1 and not keywords:
            return _of_two(OF_TWO[name], self._tensor(first), self.value(others[0]), False)
        if name in OF_MANY and isinstance(first, (ast.List, ast.Tuple)) and first.elts and not others:
            parts = [self._tensor(part) for part in first.elts]
            _check_count(sum(part.size for part in parts))
            return _bounded(OF_MANY[name](parts, **_options(keywords, _integers, ("axis",))))
        if name in METHODS:
            return self._method(name, self._tensor(first), others, keywords)
        raise ExpressionError(f"There is no function {_clipped(name)} here.")


def _of_two(operation: Callable[[Any, Any], Any], left: Value, right: Value, is_product: bool) -> Value:
    """The operation, once it is sure that its result is small."""
    shapes = [value.shape if isinstance(value, Tensor) else () for value in (left, right)]
    if is_product and all(shapes):
        (left_size, right_size), inner = map(math.prod, shapes), shapes[0][-1]
        _check_count(left_size * right_size // inner**2)
    elif not is_product:
        _check_count(math.prod(np.broadcast_shapes(*shapes)))
    elif not isinstance(left, Tensor) and not isinstance(right, Tensor):
        raise ExpressionError("Numbers have no @: use *.")
    result = operation(left, right)
    return _bounded(result) if isinstance(result, Tensor) else _real(result)


def _real(number: Any) -> float:
    if isinstance(number, complex):
        raise ExpressionError("A root of a negative number is not real.")
    return float(number)


def _bounded(value: Tensor) -> Tensor:
    _check_count(value.size)
    if value.size == 0:
        raise ExpressionError("Nothing is left: an array has no elements.")
    if value.ndim > MAX_AXES:
        raise ExpressionError(f"An array may have {MAX_AXES} axes, not {value.ndim}.")
    return value


def _check_count(count: int) -> None:
    if count > MAX_ELEMENTS:
        raise ExpressionError(f"An array may have {MAX_ELEMENTS:,} elements here, not {count:,}.")


def _index(node: ast.expr) -> Any:
    match node:
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(None if part is None else _integers(part) for part in (lower, upper, step)))
        case ast.Tuple(elts=parts):
            return tuple(map(_index, parts))
    return _integers(node)


def _integers(node: ast.expr) -> Any:
    """An integer, a boolean, None, or a tuple or list of these."""
    match node:
        case ast.Constant(value=int() | None as value) if value is None or abs(value) <= MAX_ELEMENTS:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as number)) if number <= MAX_ELEMENTS:
            return -number
        case ast.Tuple(elts=parts):
            return tuple(map(_integers, parts))
        case ast.List(elts=parts):
            return [_integers(part) for part in parts]
    raise ExpressionError(f"{_shown(node)} is not an integer.")


def _literal_number(node: ast.expr) -> float:
    number = _literal(node)
    if not isinstance(number, float):
        raise ExpressionError(f"{_shown(node)} is not a number.")
    return number


def _options(keywords: list[ast.keyword], read: Callable[[ast.expr], Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    for keyword in keywords:
        if keyword.arg not in allowed:
            raise ExpressionError(f"{_clipped(keyword.arg or '**')} is not an option here.")
    return {str(keyword.arg): read(keyword.value) for keyword in keywords}


def _shown(node: ast.expr) -> str:
    return _clipped(ast.unparse(node))


def _clipped(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""Where a rule of `engine.ops` is written: the lines of its source that compute a result or a gradient.

They are found by asking the functions in the table of rules where they were written.
"""

import ast
import inspect
from dataclasses import dataclass
from functools import cache, partial
from types import CodeType
from typing import Any

from engine import ops
from engine.ops import Op

Written = ast.Lambda | ast.FunctionDef | ast.expr


@dataclass(frozen=True)
class Rule:
    """Source lines of ops.py, without their indentation, docstring and lines of comment.

    line: the number of the first; text: the lines; start, end: which part of the text is the rule itself.
    """

    line: int
    text: str
    start: int
    end: int

    @property
    def at_work(self) -> str:
        """The rule itself, such as "lambda g, y, a: g * (1 - y * y)"."""
        return self.text[self.start : self.end]


@cache
def rule_of(op: Op, argument: int | None = None) -> Rule | None:
    """The rule for the gradient of an argument, or with None for the result. None if the source is not there."""
    source, tree = _source()
    code, _ = _code(op, argument)
    written = _in_table(tree, op.name) if code is None else _function(tree, code)
    return None if written is None else _rule(source.splitlines(), written)


@cache
def argument_names(op: Op, argument: int | None = None) -> tuple[str, ...]:
    """What the rule calls its arguments: g, y and the arrays, or with None just the arrays. The options may follow."""
    code, bound = _code(op, argument)
    if code is None:
        return tuple("ab")  # of NumPy's functions, as the rules for their gradients call them
    return code.co_varnames[bound : code.co_argcount]


def _code(op: Op, argument: int | None) -> tuple[CodeType | None, int]:
    """The code of a rule, None if it is NumPy's, and how many arguments are bound already."""
    function: Any = op.forward if argument is None else op.vjps[argument]
    bound = 0
    while isinstance(function, partial):
        function, bound = function.func, bound + len(function.args)
    return getattr(function, "__code__", None), bound


@cache
def _source() -> tuple[str, ast.Module]:
    try:
        source = inspect.getsource(ops)
    except OSError:  # an application without its sources
        source = ""
    return source, ast.parse(source)


def _function(tree: ast.Module, code: CodeType) -> Written | None:
    """The function or lambda that was compiled to this code; of several lambdas in a line, the one around its names."""
    # Columns are missing under -X no_debug_ranges, and 0 for instructions that nobody wrote.
    places = [(line, column) for line, _, column, end in code.co_positions() if line and column is not None and end]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.lineno == code.co_firstlineno and node.name == code.co_name:
            return node
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _is_around(node, places):
            return node
    return None


def _is_around(node: ast.expr, places: list[tuple[int, int]]) -> bool:
    start, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
    return all(start <= place < end for place in places)


def _in_table(tree: ast.Module, name: str) -> Written | None:
    """What the table says computes the result of the operation: `np.add`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Op"), args=[ast.Constant(value=value), forward, *_]) if value == name:
                return forward
    return None


def _rule(lines: list[str], written: Written) -> Rule:
    first, last = written.lineno, written.end_lineno or written.lineno
    before, after = written.col_offset, len(lines[last - 1]) - (written.end_col_offset or 0)
    shown = lines[first - 1 : last]
    if isinstance(written, ast.FunctionDef):
        if ast.get_docstring(written) is not None:
            docstring = written.body[0]
            del shown[docstring.lineno - first : (docstring.end_lineno or docstring.lineno) - first + 1]
        shown = [line for line in shown if not line.lstrip().startswith("#")]
    indentation = len(shown[0]) - len(shown[0].lstrip())
    text = "\n".join(line[indentation:] for line in shown)
    return Rule(first, text, before - indentation, len(text) - after)

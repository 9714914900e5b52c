"""The source of a rule is found wherever it is written: in the table, beside it, or in a function that makes rules."""

import dis
import inspect
from functools import partial

import numpy as np
import pytest

from engine import ops, rules
from engine.ops import Op
from engine.rules import rule_of

OPERATIONS = [value for value in vars(ops).values() if isinstance(value, Op)] + [ops.concatenate(2), ops.stack(3)]


@pytest.mark.parametrize(
    ("op", "argument", "written"),
    [
        (ops.multiply, None, "np.multiply"),
        (ops.multiply, 0, "lambda g, y, a, b: g * b"),
        (ops.multiply, 1, "lambda g, y, a, b: g * a"),
        (ops.power, 1, "lambda g, y, a, b: g * y * np.log(np.where((a == 0) & (b >= 0), 1, a))"),
        (ops.relu, None, "lambda a: np.maximum(a, 0)"),
        (ops.concatenate(2), None, "lambda *arrays, axis: np.concatenate(arrays, axis)"),
    ],
)
def test_the_rule_at_work_is_a_part_of_its_line(op, argument, written):
    rule = rule_of(op, argument)
    assert rule.at_work == written
    assert inspect.getsource(ops).splitlines()[rule.line - 1].strip() == rule.text


def test_a_function_is_shown_without_its_docstring_and_comments():
    assert rule_of(ops.linear, 1).text.splitlines()[1:] == ["    return (_rows(x).T @ _rows(g)).T"]
    assert rule_of(ops.cumsum, 0).text.splitlines()[0].startswith("def _vjp_cumsum(g: Array")
    assert rule_of(ops.prod, 0).text.splitlines()[1] == "    a = wide(a)"
    assert rule_of(ops.prod, 0).at_work == rule_of(ops.prod, 0).text


SAYING = "BINARY", "UNARY", "COMPARE", "LOAD_FAST", "LOAD_CONST"
"""Instructions that say what is computed; how functions are called depends on where the code is."""


def instructions(function):
    return [(each.opname, each.argrepr) for each in dis.get_instructions(function) if each.opname.startswith(SAYING)]


@pytest.mark.parametrize("op", OPERATIONS, ids=[op.name for op in OPERATIONS])
def test_what_is_shown_is_what_is_at_work(op):
    """The text, compiled, is the very code of the rule."""
    for argument, function in enumerate((op.forward, *op.vjps), start=-1):
        rule = rule_of(op, None if argument < 0 else argument)
        while isinstance(function, partial):
            function = function.func
        if rule.at_work.startswith("def "):
            assert rule.at_work.startswith(f"def {function.__name__}(")
        else:
            shown = eval(rule.at_work, dict(vars(ops)))  # our own source
            assert shown is function or instructions(shown) == instructions(function)


def test_without_the_source_there_is_no_rule(monkeypatch):
    def missing(_):
        raise OSError

    monkeypatch.setattr(rules.inspect, "getsource", missing)
    rules._source.cache_clear()
    try:
        assert rule_of.__wrapped__(ops.tanh, 0) is None
        assert rule_of.__wrapped__(ops.add) is None
    finally:
        rules._source.cache_clear()


def test_an_operation_of_ones_own_has_no_rule_in_the_table():
    cube = Op("cube", np.power, (lambda g, y, a: 3 * g * y / a,))
    assert rule_of(cube) is None
    assert rule_of(cube, 0) is None

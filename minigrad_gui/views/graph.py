"""Graph: one forward and one backward pass, step by step, with the line of the engine that is at work.

It is the graph of the drawing on its way through the network, or that of an expression that the person types.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QSettings, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QLabel, QLineEdit, QPushButton, QWidget

from engine.drawing import drawing_of
from engine.graph import Graph, GraphStep, shape_text, summary
from engine.nn import MLP, count_parameters
from minigrad_gui import theme
from minigrad_gui.analysis import Answer
from minigrad_gui.digits import Picture
from minigrad_gui.expressions import ExpressionError, evaluate, numbers
from minigrad_gui.insight.backpropagation import DRAWING, passes, passes_of
from minigrad_gui.session import Session
from minigrad_gui.views.view import ANY_DIGIT, AT_ONCE_PARAMETERS, NO_NETWORK, TRAIN, Docked, DockedView
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.array_card import PICTURE_PX, ArrayCard
from minigrad_gui.widgets.building import column, named, restyled, row, styled
from minigrad_gui.widgets.class_choice import ClassChoice
from minigrad_gui.widgets.export import write_text
from minigrad_gui.widgets.graph_picture import GraphPicture
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.rule_text import RuleText
from minigrad_gui.widgets.step_player import StepPlayer

BLANK = "Draw something to see the graph of its reading."
OF_THE_DRAWING, OF_AN_EXPRESSION = "The drawing", "An expression"
LEAVES = ("a", "b", "c")
EXAMPLE = {"expression": "(a * b + c).tanh()", "a": "2", "b": "-3", "c": "6.5"}
VALUE_FIELD_PX = 58
WIDE_PX, WIDE_PICTURE_PX = 720, 3 * 28 + 2


class GraphView(DockedView):
    sentence = "How a result is computed (forward, blue), then its gradients (backward, orange), step by step."

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, entry, parent)
        self._texts = dict(EXAMPLE)
        """What the person has typed, by field."""
        self._is_expression = False

    def build(self) -> None:
        self._graph: Graph | None = None
        self._error = ""
        """What is wrong with what was typed."""
        self._what = named(QComboBox(), "graphWhatCombo", "Whose graph is shown")
        self._what.setAccessibleName("Graph of")
        self._what.addItems([OF_THE_DRAWING, OF_AN_EXPRESSION])
        self._what.setCurrentIndex(int(self._is_expression))
        self._digit = named(ClassChoice(), "graphDigitCombo", "The class that the loss takes for the right one")
        self._digit.setAccessibleName("Right class")
        self._picture = named(GraphPicture(), "graphPicture")
        self._player = named(StepPlayer("graph"), "graphPlayer")
        self._whole = named(QPushButton("Fit"), "graphFitButton", "Show the whole graph (0; zoom with + and -)")
        self._told = styled(named(Paragraph(1), "graphTold"), "body")
        self._value, self._gradient = ArrayCard("Value"), ArrayCard("Gradient")
        self._rule = named(RuleText(), "graphRule")
        contents = QWidget()
        self._below = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._below.setSpacing(theme.SPACING_PX // 2)
        self._below.addLayout(_evenly(row(self._value, self._gradient)))
        self._below.addWidget(self._rule)
        _evenly(self._below)
        steps = row(self._player, self._whole)
        steps.setStretch(0, 1)
        layout = column(self._build_fields(), self._picture, steps, self._told, self._below, spacing=6, parent=contents)
        layout.setStretch(1, 1)
        self.fill(contents, self._what, self._digit)
        self.add_export("As a &drawing (SVG)…", "graphSvgAction", self._on_export_svg)
        self._connect()

    def _build_fields(self) -> QWidget:
        """What the person types: an expression and its values."""
        self._fields: dict[str, QLineEdit] = {}
        fields = QWidget()
        items: list[QWidget] = []
        for name, text in self._texts.items():
            is_value = name in LEAVES
            tip = f"A number, or a list such as [1, 2], for {name}" if is_value else "Operators and methods of Tensor"
            field = named(QLineEdit(text), f"graph{name.capitalize()}Edit", tip)
            field.setAccessibleName(f"Value of {name}" if is_value else "Expression")
            field.textChanged.connect(self.mark_soon)
            self._fields[name] = field
            if is_value:
                field.setMaximumWidth(VALUE_FIELD_PX)
                label = QLabel(f"{name} =")
                label.setBuddy(field)
                items.append(label)
            items.append(field)
        layout = row(*items, spacing=4, parent=fields)
        layout.setStretch(0, 1)
        self._typed = fields
        return fields

    def _connect(self) -> None:
        self._what.currentIndexChanged.connect(self.mark_soon)
        self._digit.currentIndexChanged.connect(self.mark_soon)
        self._player.moved.connect(self._on_step)
        self._picture.stepWanted.connect(self._player.go)
        self._picture.chosen.connect(self._on_node)
        self._whole.clicked.connect(self._picture.show_all)
        self.session.predictionChanged.connect(self.mark_reading)
        self.session.modelChanged.connect(self.mark)
        self.session.handwritingChanged.connect(self.mark)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_built:
            wide = self.width() >= WIDE_PX
            direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
            self._below.setDirection(direction)
            for card in (self._value, self._gradient):
                card.set_picture_px(WIDE_PICTURE_PX if wide else PICTURE_PX)

    def restyle(self) -> None:
        self._player.restyle()
        self.mark_soon()

    # ------------------------------------------------------------ which graph

    def refresh(self) -> None:
        self._is_expression = self._what.currentText() == OF_AN_EXPRESSION
        self._digit.show_classes(self.session.class_names)
        self._digit.setVisible(not self._is_expression)
        self._typed.setVisible(self._is_expression)
        if self._is_expression:
            self.show_contents()
            self._evaluate()
            return
        self._error = ""
        self._picture.set_out_of_date(False)
        prediction, model = self.session.prediction, self.session.reading_model
        if prediction is None or model is None:
            self._graph = None
            self.show_instead(*((NO_NETWORK, TRAIN) if model is None else (BLANK, ANY_DIGIT)))
            return
        self.show_contents()
        digit = self._digit.chosen(prediction.digit)
        if count_parameters(model.sizes) <= AT_ONCE_PARAMETERS:
            self._show_graph(passes(model, self.session.picture, digit))
        else:
            work = partial(_passes, model, self.session.picture, digit)
            self.session.analyse(f"{self.name}/passes", work, urgent=True)

    def take(self, answer: Answer) -> None:
        if answer.error is None and self._is_seen and not self._is_expression:
            self._show_graph(answer.result)

    def _evaluate(self) -> None:
        """Show the graph of what is typed, or say what is wrong with it."""
        self._texts = {name: field.text() for name, field in self._fields.items()}
        wrong, error = "", ""
        leaves = {}
        try:
            for wrong in LEAVES:
                leaves[wrong] = numbers(self._texts[wrong])
            wrong = "expression"
            graph = passes_of(evaluate(self._texts[wrong], leaves), leaves)
        except ExpressionError as refused:
            error = f"{wrong}: {refused}" if wrong in LEAVES else str(refused)
        for name, field in self._fields.items():
            restyled(field, "wrong", bool(error) and name == wrong)
        self._picture.set_out_of_date(bool(error))
        self._error = error
        if error:
            self._told.setText(error)
            self._show_step()
        else:
            self._show_graph(graph)

    def leave(self) -> None:
        """A graph holds as many gradients as the network has weights."""
        self._graph = None
        self._picture.show_graph(None)
        self.mark()

    # ------------------------------------------------------------ showing

    def _show_graph(self, graph: Graph) -> None:
        """Show this graph, at the same step if it has the same form as the last one."""
        has_same_form = self._picture.show_graph(graph)
        self._graph = graph
        self._player.set_count(len(graph.steps), None if has_same_form else 0)
        self._show_step()

    @Slot()
    def _on_step(self) -> None:
        self._show_step()
        announce(self._picture, self._told.text())

    @Slot(int)
    def _on_node(self, node: int) -> None:
        """Go to the step that computes a node; for a leaf, to the last that adds to its gradient."""
        if self._graph is not None:
            found = [number for number, step in enumerate(self._graph.steps) if step.target == node]
            if found:
                self._player.go(1 + (found[0] if self._graph.nodes[node].inputs else found[-1]) - self._player.done)

    def _show_step(self) -> None:
        graph, done = self._graph, self._player.done
        restyled(self._told, "role", "error" if self._error else "body")
        if graph is None:
            return
        self._picture.show_step(done)
        step = graph.steps[done - 1] if done else None
        rule, arguments = (graph.rule(step), graph.arguments(step)) if step else (None, [])
        if not self._error:
            self._told.setText(told(graph, step) + (f" ops.py, line {rule.line}:" if rule else ""))
        self._picture.setAccessibleDescription(self._told.text())
        index = step.target if step else 0
        node = graph.nodes[index]
        about = f"{node.title} ({shape_text(node.tensor)})"
        self._value.show_array(about, graph.value(index, done), is_ink=node.name == DRAWING)
        self._gradient.show_array(about, graph.gradient(index, done))
        self._rule.show_rule(rule, arguments, no_rule(step))

    # ------------------------------------------------------------ export and settings

    def table(self) -> Iterable[Sequence[Any]]:
        yield ["step", "pass", "operation", "of", "shape", "dtype", "value", "gradient", "line", "rule"]
        graph = self._graph
        for count, step in enumerate(graph.steps if graph is not None else (), start=1):
            assert graph is not None
            target, rule = graph.nodes[step.target], graph.rule(step)
            value, gradient = graph.value(step.target, count), graph.gradient(step.target, count)
            arrays = ["" if array is None else summary(array) for array in (value, gradient)]
            way = "forward" if step.is_forward else "backward"
            shape, dtype = shape_text(target.tensor), target.tensor.dtype
            written = [rule.line, rule.at_work] if rule else ["", ""]
            yield [count, way, graph.nodes[step.node].title, target.title, shape, dtype, *arrays, *written]

    @Slot()
    def _on_export_svg(self) -> None:
        graph = self._graph
        if graph is not None:
            self.export("SVG drawing", ".svg", lambda path: write_text(path, drawing_of(graph)))

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("graph/isExpression", self._is_expression)
        for name, text in self._texts.items():
            settings.setValue(f"graph/{name}", text)

    def restore_settings(self, settings: QSettings) -> None:
        self._is_expression = bool(settings.value("graph/isExpression", False, bool))
        for name, text in EXAMPLE.items():
            self._texts[name] = str(settings.value(f"graph/{name}", text))


def _evenly(layout: QBoxLayout) -> QBoxLayout:
    """The layout, with its room shared equally by its two parts."""
    layout.setStretch(0, 1)
    layout.setStretch(1, 1)
    return layout


def _passes(model: MLP, picture: Picture, digit: int, desk: object) -> Graph:  # noqa: ARG001
    return passes(model, picture, digit)


def told(graph: Graph, step: GraphStep | None) -> str:
    """What a step does, in a sentence."""
    if step is None:
        return "Before the first step, only the leaves are known."
    result, target = (graph.nodes[index].title for index in (step.node, step.target))
    if step.is_forward:
        names = [graph.nodes[index].title for index in graph.nodes[step.node].inputs]
        return f"Forward: {result} of {', '.join(names)}."
    if step.argument is None:
        return "Backward: it begins with the gradient of the result, which is 1."
    return f"Backward: {result} adds to the gradient of {target}."


def no_rule(step: GraphStep | None) -> str:
    """What is said where no line of ops.py is at work."""
    if step is None:
        return "Press the button on the right, or the right arrow key in the graph."
    return "No rule is needed: d result / d result = 1." if step.argument is None else "The source is not there."

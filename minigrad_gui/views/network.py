"""The network at work: its neurons lit by the drawing, and what comes of it when some of them are damaged.

Damage is done to a copy, which reads the drawing as long as this view is in front.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QWidget

from engine.nn import MLP, count_parameters
from minigrad_gui import theme
from minigrad_gui.analysis import Answer, Desk, TrainedOn, Work
from minigrad_gui.evaluation import accuracy_in_test
from minigrad_gui.exciting import Excitement, excite
from minigrad_gui.insight.damage import Damage, DamageHistory
from minigrad_gui.insight.glance import Glance, NeuronGlance, glance
from minigrad_gui.views.view import ANY_DIGIT, AT_ONCE_PARAMETERS, NO_NETWORK, TRAIN, DockedView
from minigrad_gui.widgets.building import Item, caption, column, named, styled
from minigrad_gui.widgets.damage_controls import DamageControls
from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.network_picture import NetworkPicture
from minigrad_gui.widgets.neuron_panel import NeuronPanel
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.sum_table import figure
from minigrad_gui.wording import with_article

BLANK = "Draw something: its way through the network lights up."


class NetworkView(DockedView):
    sentence = (
        "Your drawing on its way through the network: positive in blue, negative in orange. "
        "Double-click a neuron to silence it."
    )

    _is_urgent = False
    """Whether the person waits for the next refresh."""

    # ------------------------------------------------------------ building

    def build(self) -> None:
        self._history = DamageHistory()
        self._excitement: Excitement | None = None
        self._accuracies: dict[str, tuple[MLP, float]] = {}
        """Of the intact and the damaged network, which were asked for last."""
        self._asked: dict[str, MLP] = {}
        """What is being computed, and with which network."""
        self._glance: Glance | None = None
        self._explained: NeuronGlance | None = None
        self._picture = named(NetworkPicture(), "networkDiagram")
        self._panel = named(NeuronPanel(), "neuronPanel")
        contents = QWidget()
        self._missing = named(styled(Paragraph(2), "error"), "networkMissing")
        """Why the digits that it was trained on and tested with cannot be looked at."""
        self._show_missing("")
        self._break = DamageControls()
        layout = column(self._picture, self._panel, self._missing, self._break, parent=contents)
        layout.setStretchFactor(self._picture, 1)
        self.fill(contents, *self._controls())
        self._picture.pointed.connect(self.mark_soon)
        self._panel.digitChosen.connect(self._on_digit)
        self._panel.accepted.connect(self.fill_in)
        self._picture.silenceAsked.connect(self._on_silence)
        self._break.noiseWanted.connect(self._on_noise)
        self._break.scaleWanted.connect(self._on_scale)
        session = self.session
        session.predictionChanged.connect(self.mark_reading)
        session.modelChanged.connect(self._on_model)
        session.stateChanged.connect(self.mark_soon)
        session.handwritingChanged.connect(self.mark)

    def _controls(self) -> Sequence[Item]:
        tip = "Share of the test pictures that the network reads correctly, and the damaged copy"
        self._accuracy = named(caption(), "damageAccuracy", tip)
        self._accuracy.setFixedWidth(self._accuracy.fontMetrics().horizontalAdvance("Test: 99.99% → 99.99% "))
        self._undo = named(QPushButton(), "undoDamageButton", "Undo the last damage")
        self._undo.setAccessibleName("Undo the last damage")
        self._undo.setProperty("iconOnly", True)
        self._undo.setFixedWidth(36)
        self._repair = named(QPushButton("Repair all"), "repairButton", "Have the undamaged network read again")
        self._undo.clicked.connect(self._on_undo)
        self._repair.clicked.connect(self._on_repair)
        return self._accuracy, self._undo, self._repair

    def restyle(self) -> None:
        colors = theme.colors()
        self._undo.setIcon(theme.icon("undo", colors.text, colors.muted))
        self._picture.restyle()
        self.mark()

    # ------------------------------------------------------------ the session has changed

    @Slot()
    def mark_soon(self) -> None:
        self._is_urgent = True
        super().mark_soon()

    @Slot()
    def _on_model(self) -> None:
        self._history.forget()
        self._show_missing("")
        self.mark()

    def leave(self) -> None:
        self.session.set_damage(Damage())
        self._withdraw()
        self.mark()

    def refresh(self) -> None:
        session = self.session
        urgent, self._is_urgent = self._is_urgent, False
        session.set_damage(self._history.now)
        model = session.reading_model
        self._picture.show_network(() if model is None else model.sizes, session.class_names)
        self._show_controls()
        if model is None:
            self._picture.show_glance(None, frozenset(), NO_NETWORK)
            self._panel.show_none(TRAIN)
            return
        look = partial(glance, model, session.picture, self._picture.neuron)
        if count_parameters(model.sizes) <= AT_ONCE_PARAMETERS:
            self._show(look())
            self._ask_for_more()
        else:
            self._withdraw()  # what takes longer, until it is taken
            self.session.analyse(self._key("glance"), lambda _: look(), urgent=urgent)

    def _ask_for_more(self) -> None:
        """What excites the neurons, and how many test digits are read; in training that would soon be out of date."""
        session, trained_on = self.session, self.session.trained_on
        intact, model = session.intact_model, session.reading_model
        if session.state == "training" or intact is None or model is None:
            self._withdraw()
            return
        for kind, each in (("intact", intact), ("damaged", model)):
            if (kind == "intact" or model is not intact) and self._accuracy_of(kind, each) is None:
                self._ask(kind, each, partial(_accuracy, each, trained_on))
        found = self._excitement if self._excitement is not None and self._excitement.model is intact else None
        if found is None or not found.is_complete:
            self._ask("exciting", intact, partial(excite, intact, trained_on, found))

    def _ask(self, kind: str, model: MLP, work: Work) -> None:
        """Have this done with a network, unless it is being done, in place of what was asked for before."""
        if self._asked.get(kind) is not model:
            self._asked[kind] = model
            self.session.withdraw(self._key(kind))
            self.session.analyse(self._key(kind), work)

    def _withdraw(self) -> None:
        for kind in self._asked:
            self.session.withdraw(self._key(kind))
        self._asked.clear()

    def _key(self, kind: str) -> str:
        return f"{self.name}/{kind}"

    def take(self, answer: Answer) -> None:
        kind, result = answer.key.split("/")[1], answer.result
        if result is None:
            self._asked.pop(kind, None)
            if answer.error is not None:
                self._show_missing(answer.error)
                self._show_exciting()
                self._show_accuracy()
            return
        if kind != "glance":
            self._show_missing("")
        if kind == "glance":
            self._show(result)
        elif kind == "exciting":
            self._excitement = result
            self._forget_asking(kind, result.model)
            self._show_exciting()
        else:
            self._accuracies[kind] = result
            self._forget_asking(kind, result[0])
            self._show_accuracy()
        if self._is_seen:
            self._ask_for_more()

    def _show_missing(self, why: str) -> None:
        self._missing.setText(why)
        self._missing.setVisible(bool(why))

    def _forget_asking(self, kind: str, model: MLP) -> None:
        """This was answered; a late answer about another network is not the one that was asked for last."""
        if self._asked.get(kind) is model:
            del self._asked[kind]

    # ------------------------------------------------------------ showing

    def _show(self, shown: Glance) -> None:
        model = self.session.reading_model
        if model is None or model.sizes[1:] != tuple(map(len, shown.outputs)):
            return  # of a network that has been replaced
        self._glance = shown
        is_blank = not shown.picture.any()
        silenced = self._history.now.silenced
        self._picture.show_glance(None if is_blank else shown, silenced, BLANK if is_blank else "")
        if is_blank and self._picture.neuron is None:
            self._explained = None
            self._show_exciting()
            return
        neuron = self._explained = shown.neuron
        title = self._title_of(neuron.layer, neuron.unit)
        output = figure(neuron.arithmetic.output)
        self._panel.show_neuron(neuron, f"{title}: {output}", self._share_text(shown), repr(model.activation)[:-2])
        self._picture.describe(f"{title}, output {output}. {self._share_text(shown)}")
        self._show_exciting()

    def _title_of(self, layer: int, unit: int) -> str:
        if self._glance is not None and layer == len(self._glance.outputs) - 1:
            return f"Logit of {self.session.class_names[unit]}"
        silenced = " (silenced)" if (layer, unit) in self._history.now.silenced else ""
        return f"Layer {layer + 1}, neuron {unit + 1}{silenced}"

    def _share_text(self, shown: Glance) -> str:
        if shown.neuron.share is None or not shown.picture.any():
            return ""
        answer = with_article(self.session.class_names[shown.answer])
        if shown.neuron.share == 0:
            return f"adds nothing for {answer}"
        logit = figure(float(shown.outputs[-1][shown.answer]))
        return f"adds {figure(shown.neuron.share)} to the {logit} for {answer}"

    def _show_exciting(self) -> None:
        """The digits that excite the neuron in the panel most."""
        neuron, found = self._explained, self._excitement
        if neuron is None:
            self._panel.show_none(ANY_DIGIT)
        elif found is None or found.model is not self.session.intact_model:
            is_missing = bool(self._missing.text())
            told = "After the run" if self.session.state == "training" else "No pictures" if is_missing else "Looking…"
            self._panel.show_exciting(told)
        else:
            best = found.of(neuron.layer, neuron.unit)
            images = found.digits.images[[index for index, _ in best]]
            names = [f"{found.digits.called(index)}: output {figure(output)}" for index, output in best]
            self._panel.show_exciting(f"Best of {found.seen:,}", ink(images), names)

    @Slot(int)
    def _on_digit(self, number: int) -> None:
        """Show the exciting digit that was chosen in place of the drawing."""
        neuron, found = self._explained, self._excitement
        if neuron is not None and found is not None:
            index, _ = found.of(neuron.layer, neuron.unit)[number]
            self.session.show_picture(found.digits.pictures(index), found.digits.called(index))

    def _show_controls(self) -> None:
        can_damage = self.session.model is not None and self.session.state != "training"
        self._break.setEnabled(can_damage)
        self._break.show_damage(self._history.now, 0 if self.session.model is None else len(self.session.model.layers))
        self._undo.setEnabled(can_damage and self._history.can_undo)
        self._repair.setEnabled(can_damage and bool(self._history.now))
        self._show_accuracy()

    def _show_accuracy(self) -> None:
        model, intact = self.session.reading_model, self.session.intact_model
        accuracy = self._accuracy_of("intact", intact)
        none = "Test: –" if self._missing.text() else ""
        text = none if accuracy is None else f"Test: {accuracy:.2%}"
        if model is not intact and self.session.state != "training":
            damaged = self._accuracy_of("damaged", model)
            text += " → …" if damaged is None else f" → {damaged:.2%}"
        self._accuracy.setText(text)

    def _accuracy_of(self, kind: str, model: MLP | None) -> float | None:
        """What is known of this network, the intact or the damaged one."""
        known = self._accuracies.get(kind)
        return known[1] if known is not None and known[0] is model else None

    # ------------------------------------------------------------ damage

    def _do(self, damage: Damage, step: str = "") -> None:
        if self.session.state != "training":
            self._history.do(damage, step)
            self.mark_soon()

    @Slot(int, int)
    def _on_silence(self, layer: int, unit: int) -> None:
        model = self.session.model
        if model is not None and layer < len(model.layers) - 1:
            self._do(self._history.now.toggled(layer, unit))

    @Slot(int, float)
    def _on_noise(self, layer: int, amount: float) -> None:
        self._do(self._history.now.with_noise(layer, amount), f"noise {layer}")

    @Slot(int, float)
    def _on_scale(self, layer: int, factor: float) -> None:
        self._do(self._history.now.with_scale(layer, factor), f"scale {layer}")

    @Slot()
    def _on_undo(self) -> None:
        self._history.undo()
        self.mark_soon()

    @Slot()
    def _on_repair(self) -> None:
        self._do(Damage())

    # ------------------------------------------------------------ export

    def table(self) -> Iterable[Sequence[Any]]:
        yield "layer", "neuron", "output", "silenced"
        if self._glance is not None:
            for layer, outputs in enumerate(self._glance.outputs):
                for unit, output in enumerate(outputs):
                    yield layer + 1, unit + 1, float(output), (layer, unit) in self._history.now.silenced


def _accuracy(model: MLP, trained_on: TrainedOn, desk: Desk) -> tuple[MLP, float] | None:
    """The accuracy, with the network that has it; None if cancelled."""
    accuracy = accuracy_in_test(model, trained_on, desk)
    return None if accuracy is None else (model, accuracy)

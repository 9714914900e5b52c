"""Sentences at the foot of the window."""

import pytest
from left_behind import leave_a_run, said
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication


@pytest.mark.tabs("curvesView")
def test_nothing_moves_when_a_banner_appears_or_disappears(make_user, runs):
    leave_a_run(runs)
    user = make_user()
    names = ("drawingCanvas", "lossPlot", "trainButton", "hiddenLayersEdit", "probabilityBars")

    def places():
        QApplication.processEvents()
        return [(user.widget(name).mapTo(user.window, QPoint()), user.widget(name).size()) for name in names]

    offered, least = places(), user.window.minimumSizeHint()
    user.session.noticed.emit(
        "Training continues, but the run would be lost if the program ended now: the disk is full."
    )
    assert said(user, "offer") == "", "one at a time"
    assert places() == offered
    user.click("noticeCloseButton")
    assert said(user, "offer") != ""
    user.click("offerNotNowButton")
    assert places() == offered
    assert user.window.minimumSizeHint() == least


@pytest.mark.tabs
def test_a_sentence_too_long_for_the_foot_is_cut_and_complete_in_its_tip(user):
    sentence = "Training continues, but the run would be lost if the program ended now: " + "a long folder name, " * 50
    user.session.noticed.emit(sentence)
    label = user.widget("noticeLabel")
    assert label.text().endswith(" …")
    assert label.toolTip() == sentence
    assert label.heightForWidth(label.width()) <= label.height()
    user.session.noticed.emit("Short.")
    assert (label.text(), label.toolTip()) == ("Short.", "")

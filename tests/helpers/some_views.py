"""Windows with only some of the views, which are made in half the time: for tests that need no others."""

from dataclasses import dataclass

import pytest

from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Docked, DockedView, View


class _Empty(DockedView):
    def refresh(self) -> None:
        """There is nothing to show."""


@dataclass(frozen=True)
class _InFront(Docked):
    def load(self) -> type[DockedView]:
        return _Empty


def with_tabs(*names: str) -> tuple[type[View] | Docked, ...]:
    """The views beside the tabs, and in tabs only these; an empty one takes the place of the learning curves."""
    views: list[type[View] | Docked] = []
    for view in VIEWS:
        if not isinstance(view, Docked) or view.name in names:
            views.append(view)
        elif view.name == "curvesView":
            views.append(_InFront(view.name, view.title, view.module, view.class_name, view.tab))
    return tuple(views)


every_tab = pytest.mark.tabs(*(each.name for each in VIEWS if isinstance(each, Docked)))
"""For a test that needs them all, in a file whose other tests do not."""

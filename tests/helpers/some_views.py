"""Windows with only some of the views, which are made in a part of the time: for tests that need no others."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest

from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Docked, DockedView, View


class _Empty(DockedView):
    def refresh(self) -> None:
        """There is nothing to show."""


@dataclass(frozen=True)
class _EmptyTab(Docked):
    def load(self) -> type[DockedView]:
        return _Empty


EMPTY_TAB = _EmptyTab("curvesView", "Learning curves", "", "", tab="Curves")
"""It takes the place of the learning curves, in front of the other tabs."""
PANELS = tuple(view.__name__ for view in VIEWS if not isinstance(view, Docked))
TABS = tuple(view.name for view in VIEWS if isinstance(view, Docked))

every_panel, every_tab = pytest.mark.panels(*PANELS), pytest.mark.tabs(*TABS)
"""For a test that needs them all, in a file whose other tests do not."""
with_settings = pytest.mark.panels("ConfigPanel", "TrainingPanel")
"""For a test that changes settings and trains."""


def every_view(test: Callable[..., None]) -> Callable[..., None]:
    """`every_panel` and `every_tab`."""
    return every_panel(every_tab(test))


def some_views(panels: Collection[str], tabs: Collection[str]) -> tuple[type[View] | Docked, ...]:
    """The views with these names. If there are tabs, but no learning curves, an empty tab is in front of them."""
    unknown = {*panels, *tabs}.difference(PANELS, TABS)
    assert not unknown, f"there is no {unknown}"
    views: list[type[View] | Docked] = []
    for view in VIEWS:
        if (view.name in tabs) if isinstance(view, Docked) else (view.__name__ in panels):
            views.append(view)
        elif tabs and isinstance(view, Docked) and view.name == EMPTY_TAB.name:
            views.append(EMPTY_TAB)
    return tuple(views)

"""For the tests of the session: an application without a window."""

import pytest


@pytest.fixture(autouse=True)
def application(qapp):
    """Signals between threads need an application."""

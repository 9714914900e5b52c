"""One web page that draws and reads, offline, in any browser.

The page is page.html with the network in it. It prepares strokes as `digits.rasterize` does.
"""

import base64
import json
from pathlib import Path
from typing import IO

from minigrad_gui.digits import MAX_SEGMENTS, POINT_SPACING_PX
from minigrad_gui.exchange.portable import ExchangeError, Portable
from minigrad_gui.frame import CENTRE_PX, DIGIT_PX, PEN_PX, SIDE_PX

PAGE = Path(__file__).with_name("page.html")
PLACE = "{{network}}"
FRAME = {
    "side": SIDE_PX,
    "digit": DIGIT_PX,
    "centre": CENTRE_PX,
    "pen": PEN_PX,
    "spacing": POINT_SPACING_PX,
    "maxSegments": MAX_SEGMENTS,
}


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError for a network that does not read pictures of 28 x 28 pixels."""
    if network.sizes[0] != SIDE_PX**2:
        raise ExchangeError(f"A web page reads drawings, which takes {SIDE_PX**2} inputs, not {network.sizes[0]}.")
    start, end = PAGE.read_text(encoding="utf-8").split(PLACE)
    about = json.dumps({**network.metadata(), "frame": FRAME}).removesuffix("}").replace("<", "\\u003c")  # </script>
    file.write(start.encode("utf-8") + about.encode("ascii") + b', "layers": [')
    for index, layer in enumerate(network.in_float32()):
        file.write(b",\n[" if index else b"\n[")
        file.write(b", ".join(b'"' + base64.b64encode(array.tobytes()) + b'"' for array in layer) + b"]")
    file.write(b"]}" + end.encode("utf-8"))

"""A mouse for a real X server: sends XTEST requests through libxcb, which Qt needs there anyway."""

import ctypes
import struct

FAKE_INPUT = 2
BUTTON_PRESS, BUTTON_RELEASE, MOTION = 4, 5, 6
REQUEST = "=BBHBBHII8xhh8x"


class _Request(ctypes.Structure):
    _fields_ = (
        ("count", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("opcode", ctypes.c_uint8),
        ("is_void", ctypes.c_uint8),
    )


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class XPointer:
    """The pointer of the display in the environment. Positions are in screen pixels."""

    def __init__(self) -> None:
        self._xcb = ctypes.CDLL("libxcb.so.1")
        self._xcb.xcb_connect.restype = ctypes.c_void_p
        self._xcb.xcb_query_extension_reply.restype = ctypes.POINTER(ctypes.c_uint8)
        self._connection = ctypes.c_void_p(self._xcb.xcb_connect(None, None))
        assert not self._xcb.xcb_connection_has_error(self._connection)
        present, self._opcode = self._ask_for_xtest()
        assert present, "this X server has no XTEST"

    def move(self, x: int, y: int) -> None:
        self._fake(MOTION, 0, x, y)

    def press(self) -> None:
        self._fake(BUTTON_PRESS, 1)

    def release(self) -> None:
        self._fake(BUTTON_RELEASE, 1)

    def close(self) -> None:
        self._ask_for_xtest()  # the reply shows that earlier requests are done; otherwise the last ones may be lost
        self._xcb.xcb_disconnect(self._connection)

    def _ask_for_xtest(self) -> tuple[int, int]:
        asked = self._xcb.xcb_query_extension(self._connection, 5, b"XTEST")
        reply = self._xcb.xcb_query_extension_reply(self._connection, asked, None)
        return reply[8], reply[9]

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        length = struct.calcsize(REQUEST)
        packed = struct.pack(REQUEST, self._opcode, FAKE_INPUT, length // 4, kind, detail, 0, 0, 0, x, y)
        content = ctypes.create_string_buffer(packed, length)
        vectors = (_Vector * 3)()  # libxcb writes into the two before the first
        vectors[2] = _Vector(ctypes.addressof(content), length)
        request = _Request(1, None, self._opcode, 1)
        first = ctypes.byref(vectors, 2 * ctypes.sizeof(_Vector))
        self._xcb.xcb_send_request(self._connection, 0, first, ctypes.byref(request))
        self._xcb.xcb_flush(self._connection)

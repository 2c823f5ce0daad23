"""What malloc frees is overwritten while somebody needs it, whoever else comes and goes. Under a second."""

import ctypes
import threading

import pytest

from wakegate.audio.memory import frees_overwritten

LIBC = ctypes.CDLL(None)
LIBC.malloc.restype, LIBC.malloc.argtypes, LIBC.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
SIZE = 3000

pytestmark = pytest.mark.skipif(not hasattr(LIBC, "mallopt"), reason="this libc has no mallopt")


def left():
    """Free a buffer of known bytes and count those that are still there; the ends hold malloc's own notes."""
    block = LIBC.malloc(SIZE)
    ctypes.memset(block, 0x5A, SIZE)
    LIBC.free(block)
    return ctypes.string_at(block + 64, SIZE - 128).count(0x5A)


def test_outside_it_is_left_as_it_was():
    assert left() > SIZE // 2


def test_inside_it_is_overwritten_and_outside_again_not():
    with frees_overwritten:
        assert left() == 0
    assert left() > SIZE // 2


def test_who_leaves_does_not_take_it_from_who_is_inside():
    with frees_overwritten:
        with frees_overwritten:
            assert left() == 0
        assert left() == 0
        visitor = threading.Thread(target=lambda: frees_overwritten.__enter__() or frees_overwritten.__exit__())
        visitor.start()
        visitor.join()
        assert left() == 0


def test_an_error_inside_ends_it():
    with pytest.raises(RuntimeError), frees_overwritten:
        raise RuntimeError
    assert left() > SIZE // 2

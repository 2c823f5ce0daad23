"""A convolution in groups is as many convolutions beside each other; nothing else about it changes. Around 1 s."""

import numpy as np
import pytest

from wakegate.wake.numpy_operators import write
from wakegate.wake.numpy_tape import Tape
from wakegate.wake.onnx_file import Node


def convolved(x, weight, bias, **attributes):
    tape = Tape()
    made = write(Node(kind="Conv", inputs=("x", "w", "b"), output="y", attributes=attributes), [x, weight, bias], tape)
    for call in tape.calls:
        call()
    return made.copy()


@pytest.mark.parametrize(
    ("size", "kernel", "pads"), [((25,), (3,), (1, 1)), ((25,), (1,), (0, 0)), ((6, 9), (3, 3), (1,) * 4)]
)
def test_groups_see_only_their_own_channels(size, kernel, pads):
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (1, 12, *size)).astype(np.float32)
    weight = rng.normal(0, 1, (6, 4, *kernel)).astype(np.float32)
    bias = rng.normal(0, 1, 6).astype(np.float32)
    together = convolved(x, weight, bias, group=3, pads=pads)
    for group in range(3):
        made, heard = slice(2 * group, 2 * group + 2), slice(4 * group, 4 * group + 4)
        alone = convolved(np.ascontiguousarray(x[:, heard]), weight[made], bias[made], pads=pads)
        assert np.allclose(together[:, made], alone, atol=1e-5)
    assert np.array_equal(
        convolved(x[:, :4].copy(), weight, bias, pads=pads, group=1),
        convolved(x[:, :4].copy(), weight, bias, pads=pads),
    )


@pytest.mark.parametrize(
    ("group", "heard", "made"),
    [(-1, 12, 6), (2, 12, 6), (4, 12, 6), (0, 0, 6), (0, 12, 6), (3, 12, 7), (33, 132, 66), (2**40, 12, 6)],
)
def test_groups_that_do_not_fit_are_refused(group, heard, made):
    x, weight, bias = (np.zeros(shape, np.float32) for shape in ((1, heard, 25), (made, 4, 3), made))
    with pytest.raises(ValueError, match="it convolves"):
        convolved(x, weight, bias, group=group)

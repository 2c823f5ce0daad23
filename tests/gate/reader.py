"""A reader of the live stream that knows nothing but the docstring of ``wakegate.gate.frames``."""

import json
import struct

import numpy as np

from wakegate.gate.frames import Info

INFO = Info(id="0123", word="alexa", score=0.9, threshold=0.4, word_start=800, word_end=1600)


def read_utterance(stream):
    """Read one utterance: a reader that knows nothing but the docstring of wakegate.gate.frames."""
    line = stream.readline()
    if not line:
        return None  # no more utterances
    header = json.loads(line)
    assert header["format"] == "s16le" and header["channels"] == 1
    pcm = b""
    while True:
        prefix = stream.read(4)
        if len(prefix) < 4:
            return header, pcm, None  # cut short without a word
        (n,) = struct.unpack("<I", prefix)
        if n == 0:
            return header, pcm, json.loads(stream.readline())
        block = stream.read(n)
        if len(block) < n:
            return header, pcm, None
        pcm += block


def offer(sink, samples, rounds=10_000):
    """Do as the gate does: offer again what was not taken; return how much was taken at all."""
    taken = 0
    for _ in range(rounds):
        taken += sink.write(samples[taken : taken + 1280])
        if taken == len(samples):
            break
    return taken


def noise(n, seed=3):
    return np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)

"""Teacher: what a recogniser that has heard far more people than we have makes of an example.

Owns the reading of Whisper's encoder (Radford et al. 2022, tiny.en, MIT licence) from a CTranslate2 file and its
arithmetic from PCM to descriptions, which the verifier learns to share (``lesson``). Runs while shards are drawn, never
on a device; must never write its weights anywhere.
"""

import struct
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..errors import ModelError
from ..events import SAMPLE_RATE

WIDTH = 384
PLACE = 8
"""Frames of 10 ms that one description stands for: as many as a place of the verifier."""
_MELS, _FRAME, _HOP, _HEADS, _LAYERS, _BATCH = 80, 400, 160, 6, 4, 32
_STORED = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class Teacher:
    """Whisper's encoder.

    Parameters
    ----------
    path : Path
        ``model.bin`` of Whisper tiny.en as CTranslate2 stores it.

    Raises
    ------
    ModelError
        If it is something else.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._weights = {
                name.removeprefix("encoder/"): torch.from_numpy(value.astype(np.float32))
                for name, value in _stored(path.read_bytes()).items()
                if name.startswith("encoder/")
            }
            fits = self._weights["conv2/weight"].shape == (WIDTH, WIDTH, 3)
        except (struct.error, KeyError, ValueError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{path} is no teacher: expected model.bin of Whisper tiny.en as CTranslate2 stores it"
            ) from error
        if not fits:
            raise ModelError(f"{path} is another size of Whisper: expected tiny.en, {WIDTH} wide")
        self._bank = _slaney()
        self._hann = torch.hann_window(_FRAME)

    def describe(self, samples: NDArray[np.int16]) -> NDArray[np.float16]:
        """Return (n, n_samples // 1280, WIDTH) descriptions of (n, n_samples) examples, one every 80 ms."""
        with torch.no_grad():
            parts = [self._described(samples[at : at + _BATCH]) for at in range(0, len(samples), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, samples.shape[1] // (PLACE * _HOP), WIDTH), np.float16)

    def _described(self, samples: NDArray[np.int16]) -> NDArray[np.float16]:
        own = self._weights
        x = self._log_mel(torch.from_numpy(samples.astype(np.float32) / 32768.0))
        x = functional.gelu(functional.conv1d(x, own["conv1/weight"], own["conv1/bias"], padding=1))
        x = functional.gelu(functional.conv1d(x, own["conv2/weight"], own["conv2/bias"], stride=2, padding=1))
        x = x.transpose(1, 2)
        x = x + own["position_encodings/encodings"][: x.shape[1]]
        with torch.autocast("cpu", torch.bfloat16):
            for number in range(_LAYERS):
                x = x + self._attended(x, f"layer_{number}/self_attention")
                x = x + self._passed_on(x, f"layer_{number}/ffn")
        x = self._normed(x.float(), "layer_norm")
        places = x.shape[1] * 2 // PLACE
        held = x[:, : places * PLACE // 2].reshape(len(x), places, PLACE // 2, WIDTH).mean(dim=2)
        described: NDArray[np.float16] = held.numpy().astype(np.float16)
        return described

    def _log_mel(self, samples: Tensor) -> Tensor:
        """Whisper's features: log10 of mel power, at most 80 dB below the loudest, (n, mels, frames)."""
        spectrum = torch.stft(samples, _FRAME, _HOP, window=self._hann, return_complex=True)[..., :-1].abs().square()
        loud = (self._bank @ spectrum).clamp(min=1e-10).log10()
        return (torch.maximum(loud, loud.amax(dim=(1, 2), keepdim=True) - 8.0) + 4.0) / 4.0

    def _normed(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), self._weights[f"{name}/gamma"], self._weights[f"{name}/beta"])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weights[f"{name}/weight"], self._weights[f"{name}/bias"])

    def _attended(self, x: Tensor, name: str) -> Tensor:
        n, steps, _ = x.shape
        asked = self._linear(self._normed(x, f"{name}/layer_norm"), f"{name}/linear_0")
        query, key, value = asked.reshape(n, steps, 3, _HEADS, WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, steps, WIDTH)
        return self._linear(heard, f"{name}/linear_1")

    def _passed_on(self, x: Tensor, name: str) -> Tensor:
        inner = functional.gelu(self._linear(self._normed(x, f"{name}/layer_norm"), f"{name}/linear_0"))
        return self._linear(inner, f"{name}/linear_1")


def _stored(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Read a CTranslate2 model: a version, the model's kind, then name, shape, type and bytes of each variable."""
    at = 0

    def number(kind: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from(f"<{kind}", data, at)
        at += struct.calcsize(kind)
        return int(value)

    def text() -> str:
        nonlocal at
        length = number("H")
        at += length
        return data[at - length : at - 1].decode()

    number("I"), text(), number("I")
    found: dict[str, NDArray[np.generic]] = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind, size = np.dtype(_STORED[number("B")]), number("I")
        found[name] = np.frombuffer(data, kind, size // kind.itemsize, at).reshape(shape)
        at += size
    return found


def _slaney() -> Tensor:
    """(mels, bins) triangles of equal area on the mel scale of Slaney's Auditory Toolbox (1998), as in Whisper."""
    top, step = 15 + 27 * np.log(SAMPLE_RATE / 2 / 1000) / np.log(6.4), 200 / 3
    mel = np.linspace(0, top, _MELS + 2)
    edges = np.where(mel < 15, mel * step, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    ramps = edges[:, None] - np.linspace(0, SAMPLE_RATE / 2, _FRAME // 2 + 1)[None, :]
    width = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / width[:-1], ramps[2:] / width[1:]))
    return torch.from_numpy((triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32))

"""Augment: clips to examples of 3.2 s that sound like kitchens, not like recordings.

Owns the mixture of word, context, room, noise, microphone and level. Positives and negatives go through the very same
chain, so that silence, bandwidth or loudness never give the word away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..events import SAMPLE_RATE
from .corpus import WORDS, Clip, Corpus
from .hard import Moment

LENGTH = 51_200
_FFT = 65_536
Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mixture:
    """How often what happens; the values of the first experiment where nothing better was measured.

    Parameters
    ----------
    positives : float
        Share of examples with a wake word.
    room : float
        Share with an impulse response.
    noise : float
        Share in noise.
    snr_db : tuple of float
        Range of the signal-to-noise ratio over the word, uniform.
    hard : float
        Share of background that is cut around a hard moment, where some are known.
    """

    positives: float = 0.45
    near_misses: float = 0.2
    half_words: float = 0.06
    synthetic: float = 0.55
    room: float = 0.6
    low_pass: float = 0.3
    noise: float = 0.85
    hard: float = 0.5
    snr_db: tuple[float, float] = (-5.0, 25.0)
    level_db: tuple[float, float] = (-40.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """(LENGTH,) int16 samples; the index of its word in WORDS (-1 for none) and the word's last sample."""

    samples: NDArray[np.int16]
    word: int
    end: int


class Mixer:
    """Draws examples from a corpus.

    Parameters
    ----------
    corpus : Corpus
        One side of the split.
    rooms : sequence of (n,) float32
        Impulse responses that start at their direct sound.
    seed : int
        The same seed draws the same examples.
    hard : sequence of Moment
        Moments of the corpus's background to draw as often as they should.
    words : sequence of str
        The words that examples are told apart by.
    """

    def __init__(
        self,
        corpus: Corpus,
        rooms: Sequence[Float],
        seed: int,
        mixture: Mixture | None = None,
        hard: Sequence[Moment] = (),
        words: Sequence[str] = WORDS,
    ) -> None:
        self.mixture = mixture or Mixture()
        self.rng = np.random.default_rng(seed)
        self._speech = corpus.speech
        self._near = corpus.near_misses or corpus.speech
        self._noise = corpus.noise
        # A second of long music should not weigh less than a second of barking: draw by length, with a cap.
        self._speech_odds = _by_length(corpus.speech)
        self._noise_odds = _by_length(corpus.noise)
        self._hard = hard
        self._hard_odds = np.cumsum([m.chance for m in hard]) / max(sum(m.chance for m in hard), 1e-9)
        self._people = [_by_recording([c for c in corpus.positives if c.word == w and not c.synthetic]) for w in words]
        self._voices = [_by_recording([c for c in corpus.positives if c.word == w and c.synthetic]) for w in words]
        self._rooms = np.stack([np.fft.rfft(r, _FFT).astype(np.complex64) for r in rooms])
        self._frequencies = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)

    def example(self) -> Example:
        """Draw one example."""
        rng, mix = self.rng, self.mixture
        signal = np.zeros(LENGTH, np.float32)
        word, end = -1, 0
        kind = rng.random()
        if kind < mix.positives:
            word = int(rng.integers(len(self._voices)))
            end, loud = self._say(signal, self._draw_word(word), 1.0)
        elif kind < mix.positives + mix.half_words:
            half = self._draw_word(int(rng.integers(len(self._voices))))
            _, loud = self._say(signal, half, float(rng.uniform(0.35, 0.7)))
        elif kind < mix.positives + mix.half_words + mix.near_misses:
            _, loud = self._say(signal, self._near[int(rng.integers(len(self._near)))], 1.0)
        else:
            loud = self._fill(signal)
        if kind < mix.positives + mix.half_words + mix.near_misses and rng.random() < 0.45:
            self._surround(signal, loud)
        spectrum = np.fft.rfft(signal, _FFT).astype(np.complex64)
        if rng.random() < mix.room:
            spectrum *= self._rooms[int(rng.integers(len(self._rooms)))]
        signal = np.fft.irfft(spectrum * self._colour(), _FFT)[:LENGTH].astype(np.float32)
        noise = self._background()
        snr = rng.uniform(*mix.snr_db)
        if rng.random() < mix.noise:
            power = float(np.square(signal).mean() * LENGTH / max(1, np.count_nonzero(np.abs(signal) > 1e-4)))
            signal = signal + noise * np.sqrt(power / (np.square(noise).mean() + 1e-12) * 10 ** (-snr / 10))
        if rng.random() < mix.low_pass:
            signal = self._low_pass(signal)
        return Example(self._level(signal), word, end)

    def _draw_word(self, word: int) -> Clip:
        people, voices = self._people[word], self._voices[word]
        recordings = voices if voices and (not people or self.rng.random() < self.mixture.synthetic) else people
        copies = recordings[int(self.rng.integers(len(recordings)))]
        return copies[int(self.rng.integers(len(copies)))]

    def _say(self, signal: Float, clip: Clip, part: float) -> tuple[int, float]:
        """Add a word so that it ends somewhere between 0.9 and 3.0 s; return its end and its RMS."""
        rng = self.rng
        speed = float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
        first, last = clip.start, clip.end
        if part < 1.0:
            length = round((last - first) * part)
            first, last = (first, first + length) if rng.random() < 0.6 else (last - length, last)
            before = after = 160
        else:
            before, after = int(rng.integers(0, 8000)), int(rng.integers(800, 8000))
        at, until = max(0, first - before), min(len(clip.samples), last + after)
        sound = _faster(clip.samples[at:until].astype(np.float32) / 32768.0, speed)
        # Short fades hide the cut, which is not part of any word.
        fade = min(160, len(sound) // 2)
        sound[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        spoken = min(len(sound), round((last - at) / speed))
        earliest = max(int(0.9 * SAMPLE_RATE), round((last - first) / speed))  # no long word loses its beginning
        end = int(rng.integers(earliest, max(earliest + 1, int(3.0 * SAMPLE_RATE))))
        _add(signal, sound, end - spoken)
        inside = sound[max(0, spoken - round((last - first) / speed)) : spoken]
        return end, float(np.sqrt(np.square(inside).mean() + 1e-12))

    def _surround(self, signal: Float, loud: float) -> None:
        """Put talk right before or after what is said: words live in sentences."""
        spoken = np.flatnonzero(np.abs(signal) > 0.05 * np.abs(signal).max())
        if not len(spoken):
            return
        talk = self._cut(self._speech, self._speech_odds, int(self.rng.integers(8000, LENGTH)))
        talk *= loud / (np.sqrt(np.square(talk).mean()) + 1e-6) * 10 ** (self.rng.uniform(-8, 3) / 20)
        pause = int(self.rng.integers(0, 4800))
        if self.rng.random() < 0.6:
            _add(signal, talk, int(spoken[0]) - len(talk) - pause)
        else:
            _add(signal, talk, int(spoken[-1]) + pause)

    def _fill(self, signal: Float) -> float:
        """Fill with background alone: mostly talk, some music and noise."""
        if self._hard and self.rng.random() < self.mixture.hard:
            self._remind(signal)
        elif self.rng.random() < 0.75:
            at = -int(self.rng.integers(0, 8000))
            while at < LENGTH:
                talk = self._cut(self._speech, self._speech_odds, LENGTH)
                _add(signal, _faster(talk, float(self.rng.uniform(0.85, 1.2))), at)
                at += len(talk) + int(self.rng.integers(0, 8000))
        else:
            _add(signal, self._cut(self._noise, self._noise_odds, LENGTH), 0)
        return float(np.sqrt(np.square(signal).mean() + 1e-12))

    def _remind(self, signal: Float) -> None:
        """Fill with the sound around a hard moment, which then lies in the last two thirds."""
        moment = self._hard[int(np.searchsorted(self._hard_odds, self.rng.random()))]
        speed = float(np.exp(self.rng.uniform(np.log(0.87), np.log(1.15))))
        until = int(self.rng.integers(LENGTH // 3, LENGTH))
        first = max(0, moment.at - round(until * speed))
        sound = moment.clip.samples[first : moment.at + round((LENGTH - until) * speed)]
        _add(signal, _faster(sound.astype(np.float32) / 32768.0, speed), until - round((moment.at - first) / speed))

    def _background(self) -> Float:
        """(LENGTH,) noise to mix in: recorded noise or music, babble, or coloured noise."""
        rng, kind = self.rng, self.rng.random()
        noise = np.zeros(LENGTH, np.float32)
        if kind < 0.4:
            at = -int(rng.integers(0, LENGTH))
            while at < LENGTH:
                piece = self._cut(self._noise, self._noise_odds, LENGTH)
                _add(noise, piece / (np.sqrt(np.square(piece).mean()) + 1e-4), at)
                at += len(piece)
        elif kind < 0.7:
            for _ in range(int(rng.integers(1, 7))):
                piece = self._cut(self._speech, self._speech_odds, LENGTH)
                piece = np.resize(piece, LENGTH) / (np.sqrt(np.square(piece).mean()) + 1e-4)
                noise += np.roll(piece, int(rng.integers(LENGTH))) * float(rng.uniform(0.3, 1))
        if kind >= 0.6:
            # Fans, traffic and hum have spectra that fall by 0 to 9 dB an octave.
            slope = rng.uniform(0, 1.5)
            white = np.fft.rfft(rng.standard_normal(LENGTH).astype(np.float32))
            shape = np.maximum(np.fft.rfftfreq(LENGTH, 1 / SAMPLE_RATE), 40.0) ** -slope
            coloured = np.fft.irfft(white * shape, LENGTH).astype(np.float32)
            noise += coloured / (coloured.std() + 1e-12) * float(rng.uniform(0.2, 1.5))
        if rng.random() < 0.4:
            spectrum = np.fft.rfft(noise, _FFT) * self._rooms[int(rng.integers(len(self._rooms)))]
            noise = np.fft.irfft(spectrum, _FFT)[:LENGTH].astype(np.float32)
        return noise

    def _cut(self, clips: Sequence[Clip], odds: NDArray[np.float64], length: int) -> Float:
        """Cut at most ``length`` samples out of a clip drawn by its length."""
        clip = clips[int(np.searchsorted(odds, self.rng.random()))]
        at = int(self.rng.integers(max(1, len(clip.samples) - length + 1)))
        return clip.samples[at : at + length].astype(np.float32) / 32768.0

    def _colour(self) -> Float:
        """Draw a microphone's gentle frequency response: up to +-6 dB over the band in a few random bends."""
        bends = self.rng.uniform(-6, 6, 5)
        at = np.log2(np.maximum(self._frequencies, 60.0) / 60.0)
        curve: Float = (10 ** (np.interp(at, np.linspace(0, 7, 5), bends) / 20)).astype(np.float32)
        return curve

    def _low_pass(self, signal: Float) -> Float:
        cutoff = self.rng.uniform(3000, 7500)
        gain = 1 / (1 + (self._frequencies / cutoff) ** int(self.rng.integers(6, 40)))
        passed = np.fft.irfft(np.fft.rfft(signal, _FFT) * gain, _FFT)[:LENGTH]
        return passed.astype(np.float32)

    def _level(self, signal: Float) -> NDArray[np.int16]:
        peak = float(np.abs(signal).max()) + 1e-9
        gain = 10 ** (self.rng.uniform(*self.mixture.level_db) / 20) / peak
        if self.rng.random() < 0.05:
            gain *= float(self.rng.uniform(1, 4))  # an overdriven microphone clips
        dither = self.rng.uniform(-0.5, 0.5, LENGTH)
        return np.clip(signal * (gain * 32767) + dither, -32768, 32767).astype(np.int16)


def _by_recording(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Group copies of one recording, so that each recording is drawn equally often."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.group, []).append(clip)
    return list(groups.values())


def _by_length(clips: Sequence[Clip]) -> NDArray[np.float64]:
    """Cumulative odds by length; more than a minute counts as one minute."""
    seconds = np.minimum([len(c.samples) / SAMPLE_RATE for c in clips], 60.0)
    odds: NDArray[np.float64] = np.cumsum(seconds) / seconds.sum()
    return odds


def _faster(sound: Float, speed: float) -> Float:
    """Play (n,) samples ``speed`` times as fast, tempo and pitch together, by linear interpolation."""
    moments = np.arange(0, len(sound) - 1, speed)
    played: Float = np.interp(moments, np.arange(len(sound)), sound).astype(np.float32)
    return played


def _add(signal: Float, sound: Float, at: int) -> None:
    """Add a sound at an index, as far as it lies inside."""
    first, last = max(0, at), min(len(signal), at + len(sound))
    if first < last:
        signal[first:last] += sound[first - at : last - at]

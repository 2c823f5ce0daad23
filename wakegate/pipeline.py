"""Pipeline: source -> ring -> scorer -> detector -> gate, as an iterator of events.

Owns the wiring and the loop, and nothing else: what may leave is the gate's business, what happened the journal's.
Takes what the model needs for its next look; while the gate is open, 80 ms at a time, and the scorer rests; while the
microphone is muted, what it gives is overwritten unheard: only sound that was listened to counts as exposure.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType

from .audio.block import Block, Reading, Samples, Source
from .audio.ring import Ring
from .audio.sound import Sound, opened
from .consent.clock import Clock, SystemClock
from .consent.ledger import Ledger
from .ear import Ear
from .errors import AudioError, ConfigError, JournalError
from .events import Event, Gap, Muted, Muter, Reason, Started, Stopped, Unmuted, Wake
from .gate.admission import Admission
from .gate.frames import Info
from .gate.gate import Gate
from .gate.limits import BLOCK, Limits
from .gate.note import note, promise
from .gate.outbox import Outbox
from .gate.sinks import CallbackSink, Sink
from .journal.journal import Journal
from .mute import Mute
from .place import Place
from .wake import Scorer
from .wake.levels import Threshold

_log = logging.getLogger(__name__)

Assist = Callable[[Samples, Info], None] | Sink | None


class Pipeline:
    """Listens, and yields what happens. Made by :meth:`open`; use it in a ``with`` statement, or iterate to the end.

    Attributes
    ----------
    ledger : Ledger
        Consent: a button may revoke through it.
    journal : Journal
        The record: a button may label through it.
    """

    def __init__(
        self, *, source: Source, ear: Ear, ring: Ring, gate: Gate, ledger: Ledger, journal: Journal, mute: Mute
    ) -> None:
        self.ledger = ledger
        self.journal = journal
        self._source = source
        self._ear = ear
        self._ring = ring
        self._gate = gate
        self._mute = mute
        self._muted: Muter | None = None
        self._stopping: Reason | None = None
        self._cancelling = False
        self._closed = False

    @classmethod
    def open(
        cls,
        source: Sound = None,
        *,
        words: Sequence[str] | None = None,
        thresholds: Mapping[str, Threshold] | None = None,
        assist: Assist = None,
        limits: Limits | None = None,
        place: Place | None = None,
        clock: Clock | None = None,
        scorer: Scorer | None = None,
    ) -> "Pipeline":
        """Open everything that listening needs.

        Parameters
        ----------
        source : str, Path, array or Source, optional
            A sound file, samples at 16 kHz (int16, or floats with full scale at 1.0), or any Source, such as
            :class:`wakegate.audio.microphone.Microphone`; the default microphone if not given.
        words : sequence of str, optional
            Wake words; all that the installed model knows if not given.
        thresholds : mapping of str to float or Level, optional
            Other thresholds than the model's, in [floor, 1], by word.
        assist : callable or Sink, optional
            Where live sound goes while ``assist`` is granted: ``function(samples, info)``, with an
            :class:`~wakegate.gate.frames.Info`, or a Sink. It runs in the listening loop and must be quick. The first
            call is large (pre-roll and word), the last has no samples and ``info.reason`` set. An exception ends the
            release: ``aborted``, ``sink_failed``, and in its ``detail`` the exception's type and place, not its text.
        limits : :class:`wakegate.gate.limits.Limits`, optional
            How much of one wake may leave, and how often.
        place : Place, optional
            Where ledger and journal are; this user's own place if not given.
        clock : Clock, optional
            What day it is for consent and journal, not for events; the machine's clocks if not given.
        scorer : Scorer, optional
            A loaded model in place of ``words``: ``wakegate.load(path="mine/marvin.onnx")`` for a word of one's own.

        Raises
        ------
        WakegateError
            Where sound, model, settings or journal cannot be had; the message says what to do.
        """
        ear = Ear.open(words, thresholds, scorer)
        sink = assist if assist is None or isinstance(assist, Sink) else CallbackSink(assist)
        heard = opened(source)
        try:
            place = (place or Place.fixed()).prepare()
            return cls._wire(heard, ear, sink, limits or Limits(), place, clock or SystemClock())
        except BaseException:
            heard.close()
            raise

    @classmethod
    def _wire(
        cls, source: Source, ear: Ear, sink: Sink | None, limits: Limits, place: Place, clock: Clock
    ) -> "Pipeline":
        journal = Journal.open(place, clock)
        ledger = Ledger.open(place, clock, journal)
        admission = Admission(ledger, journal, clock, sink, limits)
        outbox = Outbox(place=place, ledger=ledger, admission=admission, journal=journal, clock=clock)
        outbox.clean()
        ring = Ring(limits.ring_samples)

        def restart() -> None:
            ear.restart(ring.end)
            source.wipe()

        gate = Gate(
            ring=ring, ledger=ledger, journal=journal, admission=admission, outbox=outbox, sink=sink, limits=limits,
            restart=restart, clock=clock, model_sha256=ear.model_sha256,
        )  # fmt: skip
        return cls(source=source, ear=ear, ring=ring, gate=gate, ledger=ledger, journal=journal, mute=Mute(place))

    @property
    def words(self) -> tuple[str, ...]:
        """The wake words listened for."""
        return self._ear.words

    @property
    def is_open(self) -> bool:
        """Whether the gate is open."""
        return self._gate.is_open

    @property
    def cancelling(self) -> bool:
        """Whether a cancel was said that has not taken effect yet."""
        return self._cancelling

    @property
    def at(self) -> int:
        """Samples of the stream so far."""
        return self._ring.end

    @property
    def muted(self) -> Muter | None:
        """Who has muted the microphone, the strongest of them; None if nobody has."""
        return self._mute.by(self.at)

    @property
    def unheard(self) -> Muter | None:
        """Who had muted the microphone at the last block, which was overwritten for it; costs no look at the disk."""
        return self._muted

    @property
    def muted_for_s(self) -> float | None:
        """Seconds until a mute ends by itself; 0 where nothing is muted, None where only somebody's word ends it."""
        return self._mute.left_s(self.at)

    def mute(self, by: Muter = Muter.DEVICE, for_s: float | None = None) -> None:
        """Cut short what is open, wipe, and listen to nothing, from the block on that is being read; from any thread.

        A person's mute (the default) is kept across restarts; a program's ends with us, or after ``for_s``, at most 60.
        """
        self._mute.on(by, self._ring.coming, for_s)

    def unmute(self, by: Muter = Muter.DEVICE) -> None:
        """Take a mute back: a person (the default) anybody's, a program its own. Safe from any thread."""
        self._mute.off(by)

    def hold_off(self, seconds: float) -> None:
        """Be deaf for at most 60 s while the device plays sound of its own, so that it does not wake itself."""
        self._mute.on(Muter.HOLD_OFF, self._ring.coming, seconds)

    def retune(self, words: Sequence[str], thresholds: Mapping[str, Threshold]) -> None:
        """As :meth:`wakegate.ear.Ear.retune`; only from the thread that iterates."""
        self._ear.retune(words, thresholds)

    def cancel(self) -> None:
        """Say that the person took the request back; takes effect before the next block. Safe from any thread."""
        self._cancelling = True

    def stop(self) -> None:
        """End the iteration after this block. Safe from any thread and from a signal handler."""
        self._stopping = Reason.STOPPED

    def close(self) -> None:
        """Cut short, wipe, record and give everything back. Safe to call twice."""
        self._finish(self._stopping or Reason.STOPPED)

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Yield events until the sound ends or :meth:`stop` is called; whatever happens, everything is wiped then."""
        if self._closed:
            raise ConfigError("this pipeline has ended: open another one")
        name, model = self._source.name, self._ear.model_sha256
        started = Started(at=self.at, source=name, words=self.words, model_sha256=model)
        broken = promise(self.journal, started)
        if broken:
            _log.warning("nothing can be released, the journal cannot be written: %s", broken)
        try:
            yield started
            while self._stopping is None:
                yield from self._step()
            yield from self._finish(self._stopping)
        except AudioError:
            self._stopping = Reason.SOUND_FAILED
            raise
        finally:
            self.close()

    def _step(self) -> list[Event]:
        """Take one block through the line, or do what was asked from outside first."""
        if self._cancelling:
            events = list(self._gate.cancel())
            self._cancelling = False  # now that it has: nobody who asks sees an open gate and no cancel
            return events
        reading = self._source.read(self._ring.lend(BLOCK if self._gate.is_open else self._ear.needs))
        muted = self.muted
        if reading.gap is not None:
            events = self._gap(reading) + self._obey(muted)
        elif muted or self._muted:
            self._ring.skip(reading.count)  # overwritten, never committed
            events = [*self._obey(muted), *self._gate.block(self._ring.commit(0))]
        else:
            events = self._block(self._ring.commit(reading.count))
        if reading.ended:
            events += [note(self.journal, missed) for missed in self._ear.finish()]
            self._stopping = Reason.END_OF_SOUND
        self.journal.tick()
        return events

    def _obey(self, muted: Muter | None) -> list[Event]:
        """Do as was said since the last block: a mute that begins or ends wipes everything."""
        before, self._muted = self._muted, muted
        by = muted or before
        if before is muted or by is None:
            return []
        cut = self._gate.gap(self.at, Reason.MUTED)
        return [*cut, note(self.journal, Muted(at=self.at, by=by) if muted else Unmuted(at=self.at, by=by))]

    def _gap(self, reading: Reading) -> list[Event]:
        """Break the stream: the Ring is wiped, the lent slice too, and indices go on behind what was lost."""
        assert reading.gap is not None
        reason, lost, detail = reading.gap
        self._ring.skip(lost)
        at = self._ring.end
        return [note(self.journal, Gap(at=at, reason=reason, lost=lost, detail=detail)), *self._gate.gap(at)]

    def _block(self, block: Block) -> list[Event]:
        """Go on by a block; an empty one (a device that stalls) still lets the gate look at consent."""
        was_open = self._gate.is_open
        events = list(self._gate.block(block))
        return events if was_open or not len(block.samples) else events + self._listen(block)

    def _listen(self, block: Block) -> list[Event]:
        """Score a block; a wake goes to the gate, which opens or wipes."""
        heard = self._ear.hear(block.samples)
        self.journal.listened(len(block.samples), self.words, self._ear.model_sha256, block.end)
        events: list[Event] = []
        for one in heard:
            events += self._gate.wake(one) if isinstance(one, Wake) else [note(self.journal, one)]
        return events

    def _finish(self, reason: Reason) -> tuple[Event, ...]:
        """Wipe and close everything, once; return the last events."""
        if self._closed:
            return ()
        self._closed = True
        try:
            events = self._gate.stop(reason)
        finally:
            self._ring.close()
            self._source.close()
        stopped = note(self.journal, Stopped(at=self._ring.end, reason=reason))
        try:
            self.journal.close()
        except JournalError as error:
            _log.warning("the journal's last lines could not be written: %s", error)
        return (*events, stopped)

"""Gate: the only door through which sound can leave.

Owns the decision. Closed, it keeps a few seconds of past sound and overwrites what is older. A wake opens it for each
purpose that a person granted; while open, consent is asked again with every block; at the end everything is wiped and
it is closed again::

    closed --wake, a grant, a durable record--> open --endpoint, revoked, gap, cancel, stop--> wiped --> closed
       `---wake, no grant----------------------------------------------------------------------> wiped --> closed

Must never release anything else than [word start - pre-roll, endpoint], and never anything that came before the last
wipe or gap. That the assistant has heard enough ends its own release, as an endpoint, and nothing else: what is open
for review goes on to where the speaker stops, with the question whether the wake is suspect. Where nothing else is
open that question is dropped: nobody is listened to for it. What each event says has been handed to the journal when a
method returns it.
"""

from collections.abc import Callable
from contextlib import suppress

from ..audio.block import Block
from ..audio.ring import Ring
from ..consent.clock import Clock
from ..consent.grant import Grant
from ..consent.ledger import Ledger
from ..errors import ConfigError, SealError
from ..events import Aborted, Endpoint, Event, Opened, Purpose, Reason, Refused, Released, Suspected, Wake, Wiped
from ..journal.journal import Journal
from .admission import Admission, No
from .clip import cut
from .endpoint import Endpointer
from .frames import Info
from .limits import LAG_S, Limits, samples
from .note import note, promise
from .outbox import Outbox
from .release import Live, ready
from .sinks import Sink, failed_at
from .utterance import Utterance

ASKED = (Purpose.ASSIST, Purpose.REVIEW, Purpose.FALSE_ACCEPT_REVIEW)
"""Purposes that release sound; each is asked for by itself at every wake (invariant 11)."""
_LOOK = samples(1.0)  # between two looks, while shut, at who has come to the sink and who is gone
_NOBODY_ASKS = (Reason.NO_GRANT, Reason.REVOKED)


class Gate:
    """The state machine closed -> open -> closed.

    Parameters
    ----------
    ring : Ring
        Holds at least ``limits.ring_samples``.
    ledger, journal, clock
        The release lock, the record, and the day.
    admission : Admission
        Asked before opening and while open.
    outbox : Outbox
        Where clips are sealed.
    sink : Sink or None
        Where live sound goes; ``assist`` is the only live purpose.
    limits : Limits
        How much and how often.
    restart : callable
        Wipes scorer, detector, source and their scratch, and starts them anew.
    model_sha256 : str
        Stated in clips.

    Raises
    ------
    ConfigError
        For a ring that is too short, or a sink of another purpose.
    """

    def __init__(
        self,
        *,
        ring: Ring,
        ledger: Ledger,
        journal: Journal,
        admission: Admission,
        outbox: Outbox,
        sink: Sink | None,
        limits: Limits,
        restart: Callable[[], None],
        clock: Clock,
        model_sha256: str,
    ) -> None:
        if ring.capacity < limits.ring_samples:
            raise ConfigError(f"the ring holds {ring.capacity} samples, these limits need {limits.ring_samples}")
        if sink is not None and sink.purpose is not Purpose.ASSIST:
            raise ConfigError(f"live sound is for assist alone, this sink is for {sink.purpose}")
        self._ring = ring
        self._ledger = ledger
        self._journal = journal
        self._outbox = outbox
        self._admission = admission
        self._sink = sink
        self._limits = limits
        self._history = limits.history
        self._restart = restart
        self._clock = clock
        self._model = model_sha256
        self._utterance: Utterance | None = None
        self._look = 0
        self._parting: Live | None = None  # cut short, and the sink may have had no room to say so

    @property
    def is_open(self) -> bool:
        """Whether sound is being released, or held back for a release."""
        return self._utterance is not None

    def wake(self, wake: Wake) -> tuple[Event, ...]:
        """Answer a wake word: open for each purpose that is granted, or wipe. Nothing happens while open already."""
        if self._utterance is not None:
            return ()
        first = max(self._ring.start, wake.start - self._limits.pre_roll)  # invariants 5 and 7
        utterance = Utterance(wake, first, Endpointer(self._ring, self._limits, first, wake.end))
        events = [note(self._journal, wake), *self._admit(utterance)]
        if utterance.empty:
            return (*events, self._wipe(wake))
        self._admission.opened(wake.at)
        self._utterance = utterance
        return (*events, *self._advance(utterance, self._ring.end))

    def block(self, block: Block) -> tuple[Event, ...]:
        """Go on by one block, which lies in the Ring already."""
        events = self._outbox.poll(block.end) if self._outbox.busy else ()
        if self._parting is not None and self._parting.told():
            self._parting = None
        if self._utterance is None:
            self._ring.forget(block.end - self._history)
            if self._sink is not None and block.end >= self._look:
                self._look = block.end + _LOOK
                ready(self._sink)
            return events
        return events + self._advance(self._utterance, block.end)

    def gap(self, at: int, reason: Reason = Reason.GAP) -> tuple[Event, ...]:
        """Cut everything short and wipe, open or closed, because samples were lost or nobody may listen."""
        return self._cut(reason, at)

    def cancel(self) -> tuple[Event, ...]:
        """End the utterance because the person took it back; suspect a false wake if it is fresh; wipe."""
        utterance, at = self._utterance, self._ring.end
        if utterance is None:
            return ()
        events = [] if utterance.live is None else [self._abort_live(utterance, No(Reason.CANCELLED), at)]
        if utterance.ended is None:
            events += self._end(utterance, at, Reason.CANCELLED)
        return (*events, *self._advance(utterance, at))

    def stop(self, reason: Reason = Reason.STOPPED) -> tuple[Event, ...]:
        """Cut short what is open, wipe, and give clips being sealed a short last time."""
        return self._cut(reason, self._ring.end) + self._outbox.stop(self._ring.end)

    # Opening

    def _admit(self, utterance: Utterance) -> list[Event]:
        """Ask for each purpose by itself; the intents are on disk before anything else happens (invariant 6)."""
        wake = utterance.wake
        answers = {purpose: self._admission.ask(purpose, wake.at) for purpose in ASKED}
        grants = [answer for answer in answers.values() if isinstance(answer, Grant)]
        opened = [Opened(at=wake.at, id=wake.id, purpose=grant.purpose, grant=grant.id) for grant in grants]
        broken = promise(self._journal, *opened)
        if broken:
            answers |= {grant.purpose: No(Reason.JOURNAL_UNWRITABLE, broken) for grant in grants}
            opened, grants = [], []
        for grant in grants:
            self._begin(utterance, grant)
        refused = [
            note(self._journal, Refused(at=wake.at, id=wake.id, purpose=purpose, reason=no.reason, detail=no.detail))
            for purpose, no in answers.items()
            # Where nobody opted in to a clip, none is asked for: who listens for refusals would hear two of every wake.
            if isinstance(no, No) and (purpose is Purpose.ASSIST or no.reason not in _NOBODY_ASKS)
        ]
        return [*opened, *refused]

    def _begin(self, utterance: Utterance, grant: Grant) -> None:
        if grant.purpose is not Purpose.ASSIST:
            utterance.clips[grant.purpose] = grant
            return
        assert self._sink is not None
        first = utterance.first
        utterance.live = Live(grant, self._sink, self._ring, Info.of(utterance.wake, first), first)
        self._parting = None

    # While open

    def _advance(self, utterance: Utterance, at: int) -> tuple[Event, ...]:
        events: list[Event] = []
        if utterance.ended is None and (end := utterance.endpointer.advance(at)) is not None:
            events += self._end(utterance, *end)
        with self._ledger.releasing():  # invariant 4: no revoke returns while this block leaves
            events += self._recheck(utterance, at)
            events += self._step_live(utterance, at)
            if utterance.ended is not None:
                events += self._seal_clips(utterance, utterance.ended[0])
        if utterance.empty:
            self._utterance = None
            events.append(self._wipe(utterance.wake))
        return tuple(events)

    def _end(self, utterance: Utterance, at: int, reason: Reason) -> list[Event]:
        utterance.end(at, reason, self._limits)
        wake = utterance.wake.id
        events: list[Event] = [note(self._journal, Endpoint(at=at, id=wake, reason=reason))]
        if utterance.suspected:
            events.append(note(self._journal, Suspected(at=at, id=wake, reason=reason)))
        return events

    def _recheck(self, utterance: Utterance, at: int) -> list[Event]:
        """Ask consent again for everything that is open (invariant 1)."""
        events: list[Event] = []
        if utterance.live is not None:
            no = self._admission.withdrawn(utterance.live.grant)
            if no is not None:
                events.append(self._abort_live(utterance, no, at))
        for grant in tuple(utterance.clips.values()):
            no = self._admission.withdrawn(grant)
            if no is not None:
                events.append(self._abort_clip(utterance, grant, no, at))
        return events

    def _step_live(self, utterance: Utterance, at: int) -> list[Event]:
        """Let the sink take what it can; end the release where it is complete, heard enough of, broken or too slow."""
        live = utterance.live
        if live is None:
            return []
        try:
            ended = (live.cursor, Reason.HEARD_ENOUGH) if live.enough() else utterance.ended
            upto = at if ended is None else ended[0]
            live.step(upto)
            complete = ended is not None and live.cursor == upto and live.close(ended[1])
        except Exception as error:  # a sink is not ours
            return [self._abort_live(utterance, No(Reason.SINK_FAILED, failed_at(error)), at)]
        if complete:
            utterance.live = None
            alone = utterance.empty and utterance.ended is None
            events = self._end(utterance, upto, Reason.HEARD_ENOUGH) if alone else []
            released = Released(at=at, id=utterance.wake.id, purpose=live.grant.purpose, start=live.first, end=upto)
            return [*events, note(self._journal, released)]
        if at - live.cursor > samples(LAG_S):
            return [self._abort_live(utterance, No(Reason.OVERFLOW, "the assistant reads too slowly"), at)]
        return []

    # Ending

    def _seal_clips(self, utterance: Utterance, end: int) -> list[Event]:
        """Hand the clips that this ending allows to the sealer, and give up the others."""
        events: list[Event] = []
        for purpose, grant in tuple(utterance.clips.items()):
            withheld = utterance.withheld(purpose)
            if withheld is not None:
                events.append(self._abort_clip(utterance, grant, No(withheld), self._ring.end))
                continue
            del utterance.clips[purpose]
            events += self._seal(utterance, grant, end)
        return events

    def _seal(self, utterance: Utterance, grant: Grant, end: int) -> tuple[Event, ...]:
        wall, may_train = self._clock.now().wall, self._admission.may_train()
        wake, first, at = utterance.wake, utterance.first, self._ring.end
        try:
            clip = cut(grant, wake, first, end, model_sha256=self._model, wall=wall, may_train=may_train)
        except SealError as error:
            return (self._aborted(utterance, grant.purpose, No(Reason.SEAL_FAILED, str(error)), at, 0),)
        return self._outbox.begin(clip, self._ring.pieces(clip.start, clip.end), at)

    def _cut(self, reason: Reason, at: int) -> tuple[Event, ...]:
        """Give up everything that is open, and wipe."""
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            self._ring.wipe()
            self._restart()
            return ()
        events = [] if utterance.live is None else [self._abort_live(utterance, No(reason), at)]
        events += [self._abort_clip(utterance, grant, No(reason), at) for grant in tuple(utterance.clips.values())]
        return (*events, self._wipe(utterance.wake))

    def _abort_live(self, utterance: Utterance, no: No, at: int) -> Event:
        live, utterance.live = utterance.live, None
        assert live is not None
        self._parting = live
        with suppress(Exception):  # a sink is not ours; nothing more goes to it, whatever it says
            live.abort(no.reason)
        return self._aborted(utterance, live.grant.purpose, no, at, live.sent)

    def _abort_clip(self, utterance: Utterance, grant: Grant, no: No, at: int) -> Event:
        del utterance.clips[grant.purpose]
        return self._aborted(utterance, grant.purpose, no, at, 0)

    def _aborted(self, utterance: Utterance, purpose: Purpose, no: No, at: int, sent: int) -> Event:
        event = Aborted(at=at, id=utterance.wake.id, purpose=purpose, reason=no.reason, sent=sent, detail=no.detail)
        return note(self._journal, event)

    def _wipe(self, wake: Wake) -> Wiped:
        """Overwrite the Ring and everything else that holds sound; the ear starts anew (invariant 5)."""
        at = self._ring.end
        self._ring.wipe()
        self._restart()
        return note(self._journal, Wiped(at=at, id=wake.id))

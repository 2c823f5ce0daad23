"""Words: which wake words the service offers, and ears for them.

Owns the loaded models: each client gets ears of its own, and what a client gives back is overwritten before the next
one gets it. Never listens for another word than the ones that were asked for.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...ear import Ear
from ...errors import ClientError, ConfigError, ModelError
from ...wake import Scorer
from ...wake.catalogue import distinct, spelled
from ...wake.levels import Threshold
from ...wake.manifest import MOST_WORDS, Manifest

MOST_LISTENING = 16
"""Clients that may be listened to at once: each costs some 6 MB, and a per mille of one core here."""
_KEPT = 2


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """A place that one client has: what it calls each word, and its ears, one for each model once they are loaded."""

    asked: object
    names: dict[str, str]
    ears: list[Ear] = field(default_factory=list)

    def restart(self, at: int) -> None:
        """Overwrite all sound held here; the next sample is sample ``at``."""
        for ear in self.ears:
            ear.restart(at)


def check_distinct(manifests: Sequence[Manifest]) -> None:
    """Raise ConfigError where two manifests are of one model: ears are told apart by its sha256."""
    by_model: dict[str, Manifest] = {}
    for one in manifests:
        other = by_model.setdefault(one.sha256, one)
        if other is not one:
            raise ConfigError(f"{other.path} and {one.path} are one model, of the same sha256: give it once")


class Words:
    """The words that a service offers.

    Parameters
    ----------
    manifests : sequence of Manifest
        The models; of two that know a word the first one listens for it.
    words : sequence of str, optional
        The words to offer; all that the models know if not given.
    thresholds : mapping of str to float or Level
        Other thresholds than the models', of words that are offered.
    engine : str, optional
        What runs the models; see :mod:`wakegate.wake.engine`.

    Attributes
    ----------
    offered : mapping of str to Manifest
        Each word and its model.

    Raises
    ------
    ConfigError
        For a word that no model knows, a threshold out of bounds, and one model under two names.
    ModelError
        For no model, for no word, and for one twice.
    """

    def __init__(
        self,
        manifests: Sequence[Manifest],
        words: Sequence[str] | None,
        thresholds: Mapping[str, Threshold],
        engine: str | None = None,
    ) -> None:
        known = {entry.word: manifest for manifest in reversed(manifests) for entry in manifest.words}
        check_distinct(manifests)
        if not known:
            raise ModelError("no model is installed: reinstall wakegate")
        wanted = sorted(known) if words is None else distinct(words)
        for word in wanted:
            if word not in known:
                raise ConfigError(f"no installed model knows {word!r}: installed words are {', '.join(sorted(known))}")
        self._manifests = manifests
        self.offered: Mapping[str, Manifest] = {word: known[word] for word in wanted}
        self._thresholds = {word: value for word, value in thresholds.items() if word in self.offered}
        self._engine = engine
        self._idle: list[Ear] = []
        self._lent: set[Lent] = set()
        # One at a time, also of clients that went meanwhile: who asks for other words all the time burns one core.
        self._loader = ThreadPoolExecutor(1, "wyoming words")

    def load(self) -> None:
        """Load every model once, so that what is wrong with one is known before the first client comes."""
        self._idle += [self._ear(*choice) for choice in self._choices(self.offered)]

    def retune(self, words: Sequence[str] | None, thresholds: Mapping[str, Threshold]) -> None:
        """Offer other words of these models, or at other thresholds; of what clients are saying no sample is lost.

        A client that asked for a word that is offered no more keeps it until it asks again.

        Raises
        ------
        WakegateError
            For what would not do at a start: nothing is changed then.
        """
        fresh = Words(self._manifests, words, thresholds, self._engine)
        fresh.load()
        self.offered, self._thresholds, self._idle = fresh.offered, fresh._thresholds, fresh._idle
        for lent in self._lent:
            self._follow(lent)

    def _follow(self, lent: Lent) -> None:
        """Have ears listen for what is offered now, in mid-sound; those that other models would have to help stay."""
        try:
            names = self.called(lent.asked)
        except ClientError:
            return
        shares = {manifest.sha256: share for manifest, share in self._choices(names)}
        if shares.keys() == {ear.model_sha256 for ear in lent.ears}:
            lent.names.clear()
            lent.names.update(names)
            for ear in lent.ears:
                share = shares[ear.model_sha256]
                ear.retune(share, self._of(share))

    def lend(self, names: object, make_room: Callable[[], None]) -> Lent:
        """Return a place for the words that a client asks for; for all that are offered if it names none (None).

        It is the client's, ears or no ears, until it is given back.

        Parameters
        ----------
        names : object
            What the client says.
        make_room : callable
            Has somebody give a place back, if anybody has to; called where all are lent.

        Raises
        ------
        ClientError
            For what is no list of names, a word that is not offered, and where too many are listened to already.
        """
        lent = Lent(names, self.called(names))
        if len(self._lent) >= MOST_LISTENING:
            make_room()
        if len(self._lent) >= MOST_LISTENING:
            raise ClientError("busy", f"{MOST_LISTENING} clients are being listened to: come back later")
        self._lent.add(lent)
        return lent

    async def fill(self, lent: Lent) -> None:
        """Load the ears of a place, or find them among those that were given back."""
        ears = [self._found(*choice) or await self._loaded(*choice) for choice in self._choices(lent.names)]
        lent.ears.extend(ears)  # all at once: a reload meanwhile must not take some for the whole
        self._follow(lent)  # what is offered may have changed meanwhile

    def give_back(self, lent: Lent) -> None:
        """Take a place back, and overwrite what its ears heard."""
        lent.restart(0)
        self._lent.remove(lent)
        self._idle += lent.ears
        del self._idle[:-_KEPT]

    def called(self, names: object) -> dict[str, str]:
        """Return what a client calls each word that it asks for; ClientError as :meth:`lend` raises it."""
        if names is None:
            return {word: word for word in self.offered}
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ClientError("bad-event", "names in detect must be a list of words, or null for all of them")
        if not 1 <= len(names) <= MOST_WORDS:
            raise ClientError("unknown-word", f"detect names {len(names)} words: name 1 to {MOST_WORDS}, or send null")
        for name in names:
            if spelled(name) not in self.offered:
                raise ClientError(
                    "unknown-word", f"the word {name[:50]!r} is not installed here: {', '.join(self.offered)} are"
                )
        return {spelled(name): name for name in names}

    def _choices(self, words: Mapping[str, object]) -> list[tuple[Manifest, tuple[str, ...]]]:
        """Return each model that is needed with the words it listens for."""
        models = {manifest.sha256: manifest for manifest in self.offered.values()}
        shares = [(m, tuple(word for word in words if self.offered[word] is m)) for m in models.values()]
        return [(manifest, share) for manifest, share in shares if share]

    def _found(self, manifest: Manifest, words: tuple[str, ...]) -> Ear | None:
        for ear in self._idle:
            if (ear.model_sha256, ear.words) == (manifest.sha256, words):
                self._idle.remove(ear)
                return ear
        return None

    async def _loaded(self, manifest: Manifest, words: tuple[str, ...]) -> Ear:
        return await asyncio.get_running_loop().run_in_executor(self._loader, self._ear, manifest, words)

    def _ear(self, manifest: Manifest, words: tuple[str, ...]) -> Ear:
        return Ear.open(None, self._of(words), Scorer(manifest, words, self._engine))

    def _of(self, words: Sequence[str]) -> dict[str, Threshold]:
        """Return the thresholds of these words that are not the models'."""
        return {word: value for word, value in self._thresholds.items() if word in words}

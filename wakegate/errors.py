"""Every exception of wakegate, in one tree.

::

    WakegateError                    catch this one to catch them all
      ConfigError (ValueError)       a setting, an argument or wakegate.toml is wrong
        UsageError                   it stands on the command line: exit code 2
      AudioError
        FormatError (ValueError)     this sound cannot be read: type, rate, channels, values
        DeviceError                  a microphone or PortAudio is missing or refuses
      ModelError                     a model cannot be loaded or run
        ModelMismatchError           a model is not what its manifest says (hash, shape, rate)
      EngineError                    an engine that is being measured crashed, hung or spoke nonsense
      ClientError                    a service's client said what cannot be understood or done
      ReaderGoneError (OSError)      who reads released sound is gone, and cannot come back
      ChainError                     a record file is damaged, foreign or cannot be written
        TornError                    its tail is damaged, every record before it is whole
        BrokenError                  damage stands before whole records, or the links do not join
        ForeignError                 not ours: owner, permissions, a symbolic link, the test mark
        SchemaError                  written by another program or a newer wakegate
        LedgerError                  the consent ledger
        JournalError                 the journal
      SealError                      a clip could not be encrypted

Refusals, gaps and timeouts are events (:mod:`wakegate.events`), never exceptions. A message says what was wrong,
what was got and what to do. No message ever holds samples.
"""


class WakegateError(Exception):
    """Base of every error that wakegate raises on purpose."""


class ConfigError(WakegateError, ValueError):
    """A setting, an argument or ``wakegate.toml`` is wrong."""


class UsageError(ConfigError):
    """What stands on the command line is wrong: the command exits with 2."""


class AudioError(WakegateError):
    """Sound cannot be had or handled."""


class FormatError(AudioError, ValueError):
    """Sound that cannot be read: its type, rate, channels or values."""


class DeviceError(AudioError):
    """A microphone or PortAudio is missing, or refuses."""


class ModelError(WakegateError):
    """A model cannot be loaded or run."""


class ModelMismatchError(ModelError):
    """A model file is not what its manifest says."""


class EngineError(WakegateError):
    """An engine that is being measured crashed, hung or said what cannot be understood."""


class ClientError(WakegateError):
    """A service's client said what cannot be understood or done; ``code`` is for its program, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ReaderGoneError(WakegateError, OSError):
    """Who reads released sound is gone, and cannot come back: nothing is listened for any more."""


class ChainError(WakegateError):
    """A hash-chained record file is damaged, foreign or cannot be written."""


class TornError(ChainError):
    """The tail of a record file is damaged; every record before it is whole."""


class BrokenError(ChainError):
    """A record file is damaged before records that are whole, or its links do not join."""


class ForeignError(ChainError):
    """A record file is not ours: its owner, permissions, a symbolic link, or the test mark."""


class SchemaError(ChainError):
    """A record file was written by another program or by a newer wakegate."""


class LedgerError(ChainError):
    """The consent ledger cannot be trusted or written."""


class JournalError(ChainError):
    """The journal cannot be trusted or written."""


class SealError(WakegateError):
    """A clip could not be encrypted to its reviewer."""

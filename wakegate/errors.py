"""Every exception of wakegate, in one tree.

::

    WakegateError                    catch this one to catch them all
      ConfigError (ValueError)       a setting, an argument or wakegate.toml is wrong
      AudioError
        FormatError (ValueError)     this sound cannot be read: type, rate, channels, values
        DeviceError                  a microphone or PortAudio is missing or refuses
      ModelError                     a model cannot be loaded or run
        ModelMismatchError           a model is not what its manifest says (hash, shape, rate)
      ChainError                     a record file is damaged, foreign or cannot be written
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


class AudioError(WakegateError):
    """Sound cannot be had or handled."""


class FormatError(AudioError, ValueError):
    """This sound cannot be read: its type, rate, channels or values."""


class DeviceError(AudioError):
    """A microphone or PortAudio is missing, or refuses."""


class ModelError(WakegateError):
    """A model cannot be loaded or run."""


class ModelMismatchError(ModelError):
    """A model file is not what its manifest says."""


class ChainError(WakegateError):
    """A hash-chained record file is damaged, foreign or cannot be written."""


class LedgerError(ChainError):
    """The consent ledger cannot be trusted or written."""


class JournalError(ChainError):
    """The journal cannot be trusted or written."""


class SealError(WakegateError):
    """A clip could not be encrypted to its reviewer."""

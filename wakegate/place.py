"""The one fixed place where a user's, or a service's, state lives.

Owns the paths of the ledger, the journal, the outbox and the lock. Never takes a path from a config file: whoever could
move the ledger could grant. The demo and the tests make places of their own, marked as such in the ledger's first
line; a production ledger refuses that mark and a test place refuses its absence.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError
from .events import Purpose

SERVICE = Path("/var/lib/wakegate")


@dataclass(frozen=True, slots=True)
class Place:
    """A state directory.

    Parameters
    ----------
    path : Path
        The directory (made with mode 0700 on first use).
    test : bool
        True for the demo's and the tests' places, whose grants no production code accepts.
    """

    path: Path
    test: bool = False

    @classmethod
    def fixed(cls) -> "Place":
        """Return this user's place: ``/var/lib/wakegate`` for the service that owns it, else the XDG state folder.

        Raises
        ------
        ConfigError
            Where there is no home directory to keep state in.
        """
        if _ours(SERVICE):
            return cls(SERVICE)
        base = os.environ.get("XDG_STATE_HOME", "")
        try:
            root = Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state"
        except RuntimeError as error:
            raise ConfigError("there is no home directory to keep the consent ledger in: set HOME") from error
        if not root.is_absolute():
            # Else whoever made the current directory would bring the ledger with it.
            raise ConfigError(f"HOME is {str(Path.home())!r}, not a whole path: set it to your home directory")
        return cls(root / "wakegate")

    def prepare(self) -> "Place":
        """Make the directory, 0700, and return the place.

        Raises
        ------
        ConfigError
            If it cannot be made, or is not ours alone.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be made ({error.strerror}): check the disk and HOME") from error
        if trouble := self.trouble():
            raise ConfigError(trouble)
        return self

    def trouble(self) -> str:
        """Say what makes the directory unfit to hold consent, or "" if it is ours alone or not there yet."""
        try:
            name, info, parent = self.path.lstat(), self.path.stat(), self.path.parent.stat()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.path} cannot be read ({error.strerror}): check its owner and permissions"
        if name.st_uid not in (0, os.getuid()):
            return f"{self.path} belongs to user {name.st_uid}, this program runs as {os.getuid()}: run as its owner"
        if parent.st_mode & stat.S_IWOTH and not parent.st_mode & stat.S_ISVTX:
            return f"{self.path.parent} can be written by everybody, who could put another ledger there: chmod o-w it"
        if not stat.S_ISDIR(info.st_mode):
            return f"{self.path} is no directory: move it away"
        if info.st_uid != os.getuid():
            return f"{self.path} belongs to user {info.st_uid}, this program runs as {os.getuid()}: run as its owner"
        if info.st_mode & 0o022:
            return f"{self.path} can be written by others (mode {info.st_mode & 0o777:o}): chmod 700 it"
        return ""

    @property
    def ledger(self) -> Path:
        """Path of the consent ledger."""
        return self.path / "ledger.jsonl"

    @property
    def journal(self) -> Path:
        """Path of the journal's current file."""
        return self.path / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """Path of the release lock: shared by whoever releases a block, exclusive for revoke."""
        return self.path / "release.lock"

    @property
    def muted(self) -> Path:
        """Path of the file that is there while a person has muted the device."""
        return self.path / "muted"

    @property
    def unmuted(self) -> Path:
        """Path of what the file becomes when a person takes the mute back: one that is just gone was not taken back."""
        return self.path / "unmuted"

    def outbox(self, purpose: Purpose) -> Path:
        """Path of the folder of sealed clips for one purpose."""
        return self.path / "outbox" / purpose.value


def _ours(path: Path) -> bool:
    """Whether a directory exists and belongs to this user."""
    try:
        info = path.stat()
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.getuid()

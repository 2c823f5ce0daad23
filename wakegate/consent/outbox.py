"""Emptying an outbox when its purpose is revoked.

Owns one act: removing every file of a folder and putting that on disk. Filling it is the gate's.
"""

import os
from pathlib import Path


def empty(folder: Path) -> list[str]:
    """Remove everything in a folder of sealed clips and return what went wrong, in words."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{folder} could not be opened ({error.strerror}): remove what it holds yourself"]
    problems = []
    try:
        for entry in os.scandir(fd):
            try:
                os.unlink(entry.name, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(f"{folder / entry.name} could not be removed ({error.strerror}): remove it yourself")
        os.fsync(fd)
    except OSError as error:
        problems.append(f"{folder} could not be emptied ({error.strerror}): check the disk")
    finally:
        os.close(fd)
    return problems

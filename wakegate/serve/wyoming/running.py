"""Running: a door in the main thread, under somebody who may watch it, have it reloaded and stop it.

Owns the signals and the word to the service manager. Never knows what is served, nor what a reload takes.
"""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from ...notify import Notify
from ...service import SIGNS
from .door import Door


def run_until_stopped(
    door: Door, opened: Callable[[str], None], notify: Notify, reload: Callable[[], None] | None
) -> None:
    """Run a door in this thread, the main one, until a service manager or Ctrl-C stops it.

    The manager is told, and its watchdog as long as clients have their turn: all their sound is heard in this thread.
    SIGHUP calls ``reload``, which never raises, between two blocks of sound; where there is none it stops the door.
    """

    def ready(found_at: str) -> None:
        opened(found_at)
        notify.status(f"serving {found_at}")
        notify.ready()
        if notify.watchdog_s is not None:
            alive(notify.watchdog_s / SIGNS)

    def alive(every_s: float) -> None:
        notify.alive()
        asyncio.get_running_loop().call_later(every_s, alive, every_s)

    def reloaded(call: Callable[[], None]) -> None:
        notify.reloading()
        call()
        notify.ready()

    async def run() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
            loop.add_signal_handler(signal.SIGHUP, *((task.cancel,) if reload is None else (reloaded, reload)))
        with suppress(asyncio.CancelledError):
            await door.run(ready)
        notify.stopping()

    try:
        asyncio.run(run())
    finally:
        notify.close()

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
    door: Door,
    opened: Callable[[str], None],
    notify: Notify,
    reload: Callable[[], None] | None,
    leave: Callable[[], None],
) -> None:
    """Run a door in this thread, the main one, until a service manager or Ctrl-C stops it.

    The manager is told, and its watchdog as long as clients have their turn: all their sound is heard in this thread.
    SIGHUP calls ``reload``, which never raises, between two blocks of sound; where there is none it stops the door.
    Once it stops, and for as long as this process goes on, Ctrl-C calls ``leave``, from within whatever is waited for.
    """
    try:
        asyncio.run(_run(door, opened, notify, reload, leave))
    finally:
        notify.close()


async def _run(
    door: Door,
    opened: Callable[[str], None],
    notify: Notify,
    reload: Callable[[], None] | None,
    leave: Callable[[], None],
) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def ready(found_at: str) -> None:
        opened(found_at)
        notify.status(f"serving {found_at}")
        notify.ready()
        if notify.watchdog_s is not None:
            alive(notify.watchdog_s / SIGNS)

    def alive(every_s: float) -> None:
        notify.alive()
        loop.call_later(every_s, alive, every_s)

    def stopping() -> None:
        loop.remove_signal_handler(signal.SIGINT)  # the loop's own, which has its turn too late
        signal.signal(signal.SIGINT, lambda *_: leave())

    def stop() -> None:
        stopping()
        task.cancel()

    def interrupt() -> None:
        leave() if task.cancelling() else stop()  # both may have come before the loop had its turn

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        loop.add_signal_handler(signal.SIGHUP, *((stop,) if reload is None else (_reloaded, reload, notify)))
    with suppress(asyncio.CancelledError):
        await door.run(ready)
    stopping()
    notify.stopping()


def _reloaded(reload: Callable[[], None], notify: Notify) -> None:
    notify.reloading()
    reload()
    notify.ready()

"""Pool: the tasks of a run over the processes of this machine, or over a cluster; one code path, which is joblib's.

The only importer of joblib and dask. Owns what happens when a process is killed: its task is tried again, alone at
last, so that what is blamed in the end is the recording that did it and no neighbour. Must never leave a process
behind.
"""

import signal
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import replace
from typing import Any

from ...errors import ConfigError, UsageError
from . import worker
from .worker import REASON, Answer, Task

DASK = "dask:"
PATIENCE_S = 10
"""How long a cluster may take to answer, and to have a worker."""
KILLED = (
    "the process that heard it was killed, and again when it was tried alone: too little memory, or a crash inside the "
    "engine"
)


class Pool:
    """Processes that hear tasks. Use as a context manager.

    Parameters
    ----------
    jobs : int
        Processes on this machine; one means this very process.
    cluster : str, optional
        ``dask:tcp://HOST:PORT`` of a scheduler: its workers, in place of this machine's.

    Raises
    ------
    ConfigError
        If the cluster cannot be reached or has no workers, or its extra is not installed.
    """

    def __init__(self, jobs: int, cluster: str | None = None) -> None:
        self._client = None if cluster is None else _client(cluster)
        self._deaths: tuple[type[Exception], ...] = (BrokenExecutor, *(() if cluster is None else _killed()))
        self.elsewhere = self._client is not None
        self.processes = jobs if self._client is None else sum(self._client.ncores().values())

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def hear(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, tuple[Answer, ...]]]:
        """Yield each task with its answers, as they come; a task may come in parts.

        Raises
        ------
        ConfigError
            If a machine cannot do what is asked of it, or the cluster is gone.
        """
        groups = deque([_Group(tasks, tried=False)])
        while groups:
            group = groups.popleft()
            try:
                for number, answers in self._once(group) if group.left else ():
                    yield group.left.pop(number), answers
            except self._deaths as death:
                suspects = group.suspects()
                if group.tried and len(suspects) == 1 and len(suspects[0].recordings) == 1:
                    yield suspects[0], (Answer(failure=f"{KILLED} ({_line(death)})"),)
                    suspects.clear()
                groups += _apart(group.untouched(), suspects, tried=group.tried)
            except CancelledError as error:
                raise ConfigError(
                    f"the cluster is gone, and what it has not answered is not kept: {_line(error)}"
                ) from error

    def _once(self, group: "_Group") -> Iterator[tuple[int, tuple[Answer, ...]]]:
        """Give a group's tasks to processes; raises one of ``deaths`` if one of those is killed."""
        import joblib

        calls = (joblib.delayed(_numbered)(number, task) for number, task in group.begin())
        if self._client is not None:
            # A cluster may grow, and has its own second tries: more may be on the way than can run.
            parallel = joblib.Parallel(
                backend=_dask(self._client), batch_size=1, return_as="generator_unordered", pre_dispatch="4*n_jobs"
            )
        else:
            # Whatever has been given out when a process dies is suspect: no more than can run. One task needs no
            # process of its own, unless it may be deadly.
            jobs = min(self.processes, max(len(group.left), 2 * group.tried))
            parallel = joblib.Parallel(
                n_jobs=jobs, backend="loky", batch_size=1, return_as="generator_unordered", pre_dispatch="n_jobs",
                **({"initializer": _deaf} if jobs > 1 else {}),
            )  # fmt: skip
        coming = parallel(calls)
        try:
            yield from coming
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # it tells whoever stops it that it was stopped
                coming.close()


class _Group:
    """Tasks that are given to one pool, and what has become of them."""

    def __init__(self, tasks: Sequence[Task], *, tried: bool) -> None:
        self.tried = tried
        self.left = dict(enumerate(tasks))
        self._begun: set[int] = set()

    def begin(self) -> Iterator[tuple[int, Task]]:
        """Yield each task with its number, as it is given out."""
        for number, task in list(self.left.items()):
            self._begun.add(number)
            yield number, task

    def suspects(self) -> list[Task]:
        """Return those that were given out and not answered."""
        return [task for number, task in self.left.items() if number in self._begun]

    def untouched(self) -> list[Task]:
        """Return those that were not given out."""
        return [task for number, task in self.left.items() if number not in self._begun]


def _apart(untouched: Sequence[Task], suspects: Sequence[Task], *, tried: bool) -> Iterator[_Group]:
    """Yield what a group that a death has ended is tried again as: what was not given out, then the suspects apart."""
    yield _Group(untouched, tried=False)
    if len(suspects) == 1 and tried:
        task, cut = suspects[0], len(suspects[0].recordings) // 2
        suspects = [replace(task, recordings=part) for part in (task.recordings[:cut], task.recordings[cut:])]
    cut = len(suspects) // 2
    yield _Group(suspects[:cut], tried=True)
    yield _Group(suspects[cut:], tried=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:REASON]


def _numbered(number: int, task: Task) -> tuple[int, tuple[Answer, ...]]:
    return number, worker.hear(task)


def _deaf() -> None:
    """Make a process of ours leave Ctrl-C to the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _client(cluster: str) -> Any:
    """Connect to a scheduler that has workers."""
    if not cluster.startswith(DASK):
        raise UsageError(f"--cluster {cluster}: give dask:tcp://HOST:PORT, the address that `dask scheduler` prints")
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError("a cluster needs dask: pip install 'wakegate[cluster]', here and on its machines") from error
    address = cluster.removeprefix(DASK)
    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise ConfigError(
            f"no scheduler answers at {address}: start one with `dask scheduler`, and workers with `dask worker "
            f"{address}`"
        ) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError as error:
        client.close()
        raise ConfigError(
            f"the scheduler at {address} has no workers: start some with `dask worker {address}`"
        ) from error
    return client


def _killed() -> tuple[type[Exception], ...]:
    from distributed import KilledWorker

    return (KilledWorker,)


def _dask(client: Any) -> Any:
    """Return joblib's dask backend, mended: as it is (joblib 1.6), a call waits for ever for a task that was killed."""
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)
            future.add_done_callback(lambda done: callback(done.exception()) if done.exception() else None)
            return future

    return Backend(client=client, wait_for_workers_timeout=PATIENCE_S)

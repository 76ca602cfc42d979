"""Processes of our own for work that one interpreter would do one thing after the other.

They are started when first used, from a server process that has no threads, and go with patchbot,
whatever ends it. `patchbot.proc` starts other people's programs; this module starts none.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from patchbot.errors import CancelledError, PatchbotError
from patchbot.proc import PROCESSES, count_cores

P = ParamSpec("P")
T = TypeVar("T")
_TICK_S = 0.1


class WorkerError(PatchbotError):
    """A worker process ended without an answer."""


class Workers:
    """Some processes that answer calls of functions that can be imported."""

    def __init__(self, jobs: int = 0) -> None:
        self._jobs = jobs or count_cores()
        self._lock = threading.Lock()
        self._pool: concurrent.futures.ProcessPoolExecutor | None = None

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a function returns in a worker; raises what it raises, or `WorkerError`.

        Raises `CancelledError` when patchbot is stopped; the workers are ended then. Where only
        the caller's scope is stopped they go on, as others may wait for them.
        """
        (answer,) = self._wait([self._started().submit(function, *args, **kwargs)])
        return answer

    def map(self, function: Callable[[str], T], arguments: Sequence[str]) -> Iterator[T]:
        """Yield what a function returns for each argument, in their order; raises as `call`."""
        pool = self._started()
        yield from self._wait([pool.submit(function, each) for each in arguments])

    def _wait(self, futures: Sequence[concurrent.futures.Future[T]]) -> Iterator[T]:
        try:
            for future in futures:
                while not concurrent.futures.wait([future], _TICK_S).done:
                    PROCESSES.check()
                yield future.result()
        except BrokenProcessPool as error:
            self.end()
            raise WorkerError(
                "a worker process ended without an answer", hint="is there enough memory?"
            ) from error
        except CancelledError:
            if PROCESSES.cancelled and not all(future.done() for future in futures):
                self.end()
            for future in futures:
                future.cancel()
            raise
        except BaseException:
            if not all(future.done() for future in futures):
                self.end()
            raise

    def _started(self) -> concurrent.futures.ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("forkserver")
                context.set_forkserver_preload(["patchbot.static.commits"])
                self._pool = concurrent.futures.ProcessPoolExecutor(
                    self._jobs, mp_context=context, initializer=_prepare
                )
            return self._pool

    def end(self) -> None:
        """End all workers at once, whatever they do; the next call starts new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):  # before 3.14 there is no other
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    """Leave Ctrl-C to patchbot itself, and go when it goes, whatever it is that we do then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


WORKERS = Workers()

"""What the application does for its screens: reviews that it starts, and mails that it reads."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from textual.app import App

from patchbot.errors import PatchbotError, StoreError, UsageError
from patchbot.settings import Settings
from patchbot.store import Store, StoredReview
from patchbot.tui.jobs import Job, review_argv
from patchbot.tui.state import State
from patchbot.view.commands import apply_argv, rerun_argv, update_argv

_BUSY_S = 3.0
_UPDATES_AT_ONCE = 2
DEMO = ("demo", "--json", "--events")


class Doing(App[None]):
    """An application that runs reviews; `failed` is the last command that could not run."""

    settings: Settings
    state: State
    in_demo: bool
    tree_name: str | None
    first: Job | None

    def __init__(self) -> None:
        super().__init__()
        self.failed: Job | None = None
        self.first_shown = False
        self._updates: list[str] = []

    @property
    def home(self) -> Path:
        """The folder of the store that is shown: the demo has one of its own."""
        return self.settings.home / "demo" if self.in_demo else self.settings.home

    def complain(self, error: PatchbotError) -> None:
        """Say what went wrong, and the way out."""
        words = f"{error}\n{error.hint}" if error.hint else str(error)
        self.notify(words, severity="error", timeout=15, markup=False)

    def running(self) -> list[Job]:
        """Return the commands that run."""
        raise NotImplementedError

    def start(self, job: Job) -> None:
        """Run a command."""
        raise NotImplementedError

    def keep_draft(self, text: str) -> None:
        """Keep what is typed for a new review."""
        raise NotImplementedError

    def _find(self, slug: str) -> StoredReview | None:
        raise NotImplementedError

    def load_thread(self, slug: str) -> dict[str, Any]:
        """Return the document `patchbot.thread/1` of a kept review; for a thread of its own.

        Raises `PatchbotError`.
        """
        from patchbot.reading_command import find_kept, load_threads

        store = Store(self.home, _BUSY_S)
        try:
            return load_threads(store, find_kept(store, slug))
        finally:
            store.close()

    # ------------------------------------------------------------ reviews

    def add_series(self, *sources: str) -> None:
        """Review a series; see `parse_sources` for what was typed."""
        self.keep_draft("")
        self.start(Job(review_argv(sources, self.tree_name)))

    def review_again(self, document: Mapping[str, Any]) -> None:
        """Review a kept series on the mails at hand; what did not change comes from the store."""
        labels = [str(each["label"]) for each in document["revisions"]]
        self.with_stages(lambda names: self.run_chosen(document, labels, names, fresh=False))

    def with_stages(self, call: Callable[[Sequence[str]], None]) -> None:
        """Call with the names of all stages: their modules are loaded in a thread, in a second."""

        def work() -> None:
            from patchbot.stages.registry import STAGES

            self.call_from_thread(call, list(STAGES))

        self.run_worker(work, thread=True, group="stages", exclusive=True)

    def run_chosen(
        self, document: Mapping[str, Any], labels: Sequence[str], stages: Sequence[str], fresh: bool
    ) -> None:
        """Run stages of revisions of a kept series."""
        argv = rerun_argv(document, labels, stages, self.tree_name, fresh=fresh)
        self._start_on(document, argv)

    def apply_branch(self, document: Mapping[str, Any], label: str, branch: str) -> None:
        """Run all stages on a revision, and make a branch of it on an accept."""
        argv = apply_argv(document, label, branch, self.tree_name, force=False)
        self._start_on(document, argv)

    def _start_on(self, document: Mapping[str, Any], argv: tuple[str, ...]) -> None:
        home = self.home if self.in_demo else None
        self.start(Job(argv, slug=str(document["series"]["slug"]), home=home))

    def fetch_again(self, document: Mapping[str, Any]) -> None:
        """Fetch a kept series from its server, and review it; the demo is made anew as a whole."""
        if self.in_demo:
            self.start(Job(DEMO))
        else:
            self._start_on(document, update_argv(document, self.tree_name))

    # ------------------------------------------------------------ updates, some at a time

    def update_series(self, slugs: Sequence[str]) -> None:
        """Fetch kept series from their servers, some at a time."""
        self._updates += [slug for slug in slugs if slug not in self._updates]
        self.next_updates()

    def waiting(self) -> int:
        """How many updates wait for others to end."""
        return len(self._updates)

    def forget_updates(self) -> None:
        """Don't begin what waits."""
        self._updates.clear()

    def next_updates(self) -> None:
        """Begin updates that wait, while few commands run."""
        for slug in self._updates[: max(0, _UPDATES_AT_ONCE - len(self.running()))]:
            self._updates.remove(slug)
            self.run_worker(lambda slug=slug: self._update(slug), thread=True, group="update")

    def _update(self, slug: str) -> None:
        try:
            kept = self._find(slug)
        except StoreError as error:
            self.call_from_thread(self.complain, error)
            return
        if kept is not None:
            self.call_from_thread(self.fetch_again, kept.document)


def parse_sources(typed: str) -> list[str]:
    """Return the sources that were typed: a message-id, the address of a mail, or files.

    Raises a `PatchbotError` that says what is wrong, and what to type.
    """
    from patchbot.sources import parse_targets

    hint = "type a message-id, the address of a mail, or the path of an mbox"
    try:
        words = shlex.split(typed)
    except ValueError as error:
        raise UsageError(f"{typed}: {error}", hint=hint) from error
    if not words:
        raise UsageError("nothing is typed", hint=hint)
    try:
        found = [str(Path(word).expanduser()) if word[:1] == "~" else word for word in words]
    except RuntimeError as error:
        raise UsageError(f"{typed}: {error}", hint=hint) from error
    if "-" in found:
        raise UsageError("- is standard input, which is the keyboard here", hint=hint)
    parse_targets(found)
    return found

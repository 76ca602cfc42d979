"""The application: its screens, the commands that it runs, and what it reads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.message import Message
from textual.screen import Screen

from patchbot.errors import PatchbotError, StoreError
from patchbot.settings import Settings
from patchbot.store import Store, StoredReview, Summary
from patchbot.tui.jobs import Job, review_argv
from patchbot.tui.listing import ListScreen
from patchbot.tui.state import read_state, write_state
from patchbot.tui.widgets import Keys, use_colour

if TYPE_CHECKING:
    from patchbot.tui.series import SeriesScreen

_BUSY_S = 3.0
_DEMO = ("demo", "--json", "--events")


class News(Message):
    """A command told something, or ended."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class PatchbotApp(App[None]):
    """The interface with the user's `settings`; `tree` is the one for reviews that begin here.

    The signals of `leave_on` end it as `Q` does, and `was_ended` is true then.
    """

    TITLE = "patchbot"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[Keys] = [("Q", "quit", "quit")]

    def __init__(self, settings: Settings, tree: Path | None = None) -> None:
        super().__init__()
        use_colour(not self.no_color)
        self.settings = settings
        self.state = read_state(settings.home)
        self.in_demo = False
        self.leave_on: tuple[int, ...] = ()
        self.was_ended = False
        self._tree = str(tree) if tree else None  # else the command finds one, as it does alone
        self._jobs: list[Job] = []
        self._waiting: list[Job] = []
        self._writing = threading.Lock()
        self._list = ListScreen()

    def on_mount(self) -> None:
        """Show the list."""
        for number in self.leave_on:
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        if self.state.theme in self.available_themes:
            self.theme = self.state.theme
        self.push_screen(self._list)

    def _leave(self) -> None:
        self.was_ended = True
        self.exit()

    def on_unmount(self) -> None:
        """Keep the state, and end what runs."""
        self.state.theme = self.theme
        write_state(self.settings.home, self.state)
        for job in self.running():
            job.cancel()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Put what has a key on the screen in sight into the palette, too."""
        yield from super().get_system_commands(screen)
        for node, binding, enabled, _ in screen.active_bindings.values():
            if enabled and binding.show and binding.description and node is screen:
                call = partial(screen.run_action, binding.action)
                title = binding.description.capitalize()
                yield SystemCommand(title, f"key {self.get_key_display(binding)}", call)

    def keep_draft(self, text: str) -> None:
        """Keep what is typed for a new review, on disk at once."""
        self.state.draft = text
        self.run_worker(self._write_draft, thread=True, group="state")

    def _write_draft(self) -> None:
        with self._writing:  # who comes last reads what was typed last
            write_state(self.settings.home, replace(self.state))

    # ------------------------------------------------------------ the store, read in threads

    @property
    def _home(self) -> Path:
        """The folder of the store that is shown: the demo has one of its own."""
        return self.settings.home / "demo" if self.in_demo else self.settings.home

    def read_list(self) -> None:
        """Read the list anew."""
        self.run_worker(self._read_list, thread=True, group="list", exclusive=True)

    def _read_list(self) -> None:
        try:
            store = Store(self._home, _BUSY_S)
            try:
                rows = store.list_reviews()
            finally:
                store.close()
        except StoreError as error:
            self.call_from_thread(self._complain, error)
        else:
            self.call_from_thread(self._take_list, rows)

    def _take_list(self, rows: list[Summary]) -> None:
        if self._list.is_attached:
            self._list.take_summaries(rows)

    def open_series(self, slug: str) -> None:
        """Show a kept review."""
        self.run_worker(lambda: self._read_series(slug), thread=True, group="open", exclusive=True)

    def _read_series(self, slug: str) -> None:
        from patchbot.tui.series import SeriesScreen  # not needed for the list, and large

        try:
            kept = self._find(slug)
        except StoreError as error:
            self.call_from_thread(self._complain, error)
            return
        if kept is not None:
            self.call_from_thread(self.push_screen, SeriesScreen(slug, kept.document))

    def _find(self, slug: str) -> StoredReview | None:
        store = Store(self._home, _BUSY_S)
        try:
            return store.find_review(slug)
        finally:
            store.close()

    def _complain(self, error: PatchbotError) -> None:
        words = f"{error}\n{error.hint}" if error.hint else str(error)
        self.notify(words, severity="error", timeout=15, markup=False)

    # ------------------------------------------------------------ commands

    def running(self) -> list[Job]:
        """Return the commands that run, in the order in which they were started."""
        return [job for job in self._jobs if job.code is None]

    def job_of(self, slug: str) -> Job | None:
        """Return the command that reviews this series, if one does."""
        return next((job for job in self.running() if job.slug == slug), None)

    def start(self, job: Job) -> None:
        """Run a command in a thread; reviews of one series are not run twice at a time."""
        if job.slug and self.job_of(job.slug) is not None:
            self.notify("a review of this series runs already")
            return
        self._jobs.append(job)
        self.run_worker(lambda: job.run(self._tell), thread=True, group="jobs")

    def _tell(self, job: Job) -> None:
        self.post_message(News(job))

    def on_news(self, news: News) -> None:
        """Draw what a command told; read the store again where it has ended."""
        from patchbot.tui.series import SeriesScreen

        job = news.job
        for screen in self.screen_stack:
            if isinstance(screen, SeriesScreen) and screen.slug == job.slug:
                self._draw_series(screen, job)
        if job.code is None:
            return
        if job in self._jobs:
            self._jobs.remove(job)
            self._say_ended(job)
            self.read_list()

    def _draw_series(self, screen: SeriesScreen, job: Job) -> None:
        if job.code is not None and job.document is not None and "revisions" in job.document:
            screen.take_document(job.document)
        else:
            screen.refresh_matrix()

    def _say_ended(self, job: Job) -> None:
        if job.cancelled:
            self.notify(f"stopped: {job.command}", markup=False)
        elif job.failure:
            self.notify(f"{job.command}: {job.failure}", severity="error", timeout=15, markup=False)
        else:
            self.notify(f"done: {job.command}", markup=False)

    def cancel(self, job: Job) -> None:
        """Stop a command without waiting for it."""
        self.run_worker(job.cancel, thread=True, group="cancel")

    # ------------------------------------------------------------ reviews

    def add_series(self, source: str) -> None:
        """Review what was typed; it is kept until the review has begun."""
        self.state.draft = ""
        self.start(Job(review_argv([source], self._tree)))

    def review_again(self, document: Mapping[str, Any], *, fresh: bool) -> None:
        """Review a series that is kept; of the demo, all are."""
        if self.in_demo:
            self.start(Job(_DEMO))
            return
        newest = document["revisions"][-1]["message_id"]
        tree = document["tree"] or self._tree
        self.start(Job(review_argv([newest], tree, fresh=fresh), slug=document["series"]["slug"]))

    def update_series(self, slugs: Sequence[str]) -> None:
        """Review kept series from the server, each by itself."""
        for slug in slugs:
            self.run_worker(lambda slug=slug: self._update(slug), thread=True, group="update")

    def _update(self, slug: str) -> None:
        try:
            kept = self._find(slug)
        except StoreError as error:
            self.call_from_thread(self._complain, error)
            return
        if kept is not None:
            self.call_from_thread(self.review_again, kept.document, fresh=True)

    def toggle_demo(self) -> None:
        """Show the demo's reviews, made where there are none yet, or one's own again."""
        self.in_demo = not self.in_demo
        if self.in_demo and not (self._home / "patchbot.db").exists():
            self.start(Job(_DEMO))
        self.read_list()

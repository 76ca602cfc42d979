"""The application: its screens, the commands that it runs, and what it reads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding
from textual.message import Message
from textual.screen import Screen

from patchbot.errors import StoreError
from patchbot.settings import Settings
from patchbot.store import Store, StoredReview, Summary
from patchbot.tui.doing import DEMO, Doing
from patchbot.tui.jobs import Job
from patchbot.tui.listing import ListScreen
from patchbot.tui.state import read_state, write_state
from patchbot.tui.widgets import Keys, use_colour

_BUSY_S = 3.0


class News(Message):
    """A command told something, or ended."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class PatchbotApp(Doing):
    """The interface with the user's `settings`; `tree` is the one for reviews that begin here.

    `first` is a review to run, and to show, at once. The signals of `leave_on` end it as `Q` does,
    and `was_ended` is true then.
    """

    TITLE = "patchbot"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[Keys] = [
        ("Q", "quit", "quit"),
        Binding("ctrl+z", "suspend_process", "", show=False, priority=True),
    ]

    def __init__(
        self, settings: Settings, tree: Path | None = None, first: Job | None = None
    ) -> None:
        super().__init__()
        use_colour(not self.no_color)
        self.settings = settings
        self.first = first
        self.state = read_state(settings.home)
        self.in_demo = False
        self._make_demo = False
        self.leave_on: tuple[int, ...] = ()
        self.was_ended = False
        # without one, the command finds one, as it does alone
        self.tree_name = str(tree) if tree else None
        self._jobs: list[Job] = []
        self._writing = threading.Lock()
        self._list = ListScreen()

    def on_mount(self) -> None:
        """Show the list."""
        for number in self.leave_on:
            asyncio.get_running_loop().add_signal_handler(number, self._leave)
        if self.state.theme in self.available_themes:
            self.theme = self.state.theme
        self.push_screen(self._list)
        if self.first is not None:
            self.start(self.first)

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

    def read_list(self) -> None:
        """Read the list anew."""
        self.run_worker(self._read_list, thread=True, group="list", exclusive=True)

    def _read_list(self) -> None:
        home = self.home
        try:
            store = Store(home, _BUSY_S)
            try:
                rows = store.list_reviews()
            finally:
                store.close()
        except StoreError as error:
            self.call_from_thread(self.complain, error)
        else:
            self.call_from_thread(self._take_list, home, rows)

    def _take_list(self, home: Path, rows: list[Summary]) -> None:
        if home != self.home:  # one has gone to the demo, or back, meanwhile
            return
        if self.in_demo and self._make_demo and not rows:
            self.start(Job(DEMO))
        self._make_demo = False
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
            self.call_from_thread(self.complain, error)
            return
        if kept is not None:
            self.call_from_thread(self.push_screen, SeriesScreen(slug, kept.document))

    def _find(self, slug: str) -> StoredReview | None:
        store = Store(self.home, _BUSY_S)
        try:
            return store.find_review(slug)
        finally:
            store.close()

    def _read_again(self, job: Job) -> None:
        """Read what a command has kept; a series of which more was found may have another name."""
        found = job.found["series"]["slug"] if job.found else job.slug
        try:
            kept = self._find(str(found))
        except StoreError as error:
            self.call_from_thread(self.complain, error)
            return
        if kept is not None:
            self.call_from_thread(self._show_again, job.slug, kept)

    def _show_again(self, slug: str, kept: StoredReview) -> None:
        from patchbot.tui.series import SeriesScreen

        for screen in self.screen_stack:
            if isinstance(screen, SeriesScreen) and screen.slug == slug:
                screen.slug = kept.slug
                screen.take_document(kept.document)

    # ------------------------------------------------------------ commands

    def running(self) -> list[Job]:
        """Return the commands that run, in the order in which they were started."""
        return [job for job in self._jobs if job.code is None]

    def job_of(self, slug: str) -> Job | None:
        """Return the command that reviews this series, if one does."""
        return next((job for job in self.running() if job.slug == slug), None)

    def start(self, job: Job) -> None:
        """Run a command in a thread; not the same, or two reviews of one series, at a time."""
        if job.slug and self.job_of(job.slug) is not None:
            self.notify("a review of this series runs already")
            return
        if any((each.argv, each.home) == (job.argv, job.home) for each in self.running()):
            self.notify(f"it runs already: {job.command}", markup=False)
            return
        self._jobs.append(job)
        self.run_worker(lambda: job.run(self._tell), thread=True, group="jobs")

    def _tell(self, job: Job) -> None:
        self.post_message(News(job))

    def on_news(self, news: News) -> None:
        """Draw what a command told; read the store again where it has ended."""
        from patchbot.tui.series import SeriesScreen

        job = news.job
        if job is self.first and job.found is not None and not self.first_shown:
            self.first_shown = True
            self.push_screen(SeriesScreen(job.slug, job.found))
        for screen in self.screen_stack:
            if isinstance(screen, SeriesScreen) and screen.slug == job.slug:
                screen.refresh_matrix()
        if job.code is None:
            return
        if job in self._jobs:
            self._jobs.remove(job)
            self._say_ended(job)
            self.read_list()
            if job.slug:
                self.run_worker(lambda: self._read_again(job), thread=True, group="again")
        self.next_updates()

    def _say_ended(self, job: Job) -> None:
        self.failed = job if job.failure and not job.cancelled else None
        if job.cancelled:
            self.notify(f"stopped: {job.command}", markup=False)
        elif job.failure:
            self.notify(f"{job.command}: {job.failure}", severity="error", timeout=15, markup=False)
        else:
            said = job.lines[-1] if job.argv[0] == "apply" and job.lines else job.command
            self.notify(f"done: {said}", markup=False)

    def cancel(self, job: Job) -> None:
        """Stop a command without waiting for it."""
        self.run_worker(job.cancel, thread=True, group="cancel")

    # ------------------------------------------------------------ reviews

    def toggle_demo(self) -> None:
        """Show the demo's reviews, made where there are none yet, or one's own again."""
        self.in_demo = self._make_demo = not self.in_demo
        self.read_list()

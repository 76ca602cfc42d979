"""What can be done with a series: read its mails, compare, run stages, apply, reply, export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.screen import Screen
from textual.widgets import OptionList

from patchbot.errors import PatchbotError
from patchbot.report.saving import check_report_path, save_report
from patchbot.tui.asking import Ask
from patchbot.tui.compare import Compare
from patchbot.tui.patches import Patches
from patchbot.tui.replying import Drafts, reply_to_finding, reply_to_mail, reply_to_patch
from patchbot.tui.stages import ChooseStages, Chosen
from patchbot.tui.thread import ThreadScreen
from patchbot.tui.widgets import Keys
from patchbot.view.commands import branch_name, report_name
from patchbot.view.thread import find_mail

if TYPE_CHECKING:
    from patchbot.tui.app import PatchbotApp

ACTING_KEYS = [
    ("t p", "the thread of mails; the patches"),
    ("d", "compare with another revision"),
    ("S", "run chosen stages on chosen revisions"),
    ("B", "test, and make a branch on an accept"),
    ("r m", "draft a reply to the revision; all drafts"),
    ("e", "export the report to a file"),
]
_BRANCH_HINT = "a new branch; all stages run first, and without an accept none is made"
_REPORT_HINT = "a new file; .json gives the document, any other name the report as text"


class SeriesActions(Screen[None]):
    """The keys of a series that act; the screen itself draws."""

    BINDINGS: ClassVar[Keys] = [
        ("t", "thread", "thread"),
        ("p", "patches", "patches"),
        ("d", "compare", "range-diff"),
        ("S", "stages", "run stages"),
        ("B", "branch", "branch"),
        ("r", "reply", "reply"),
        ("m", "drafts", ""),
        ("e", "export", "export"),
    ]
    app: PatchbotApp
    slug: str
    _document: Mapping[str, Any]

    def _where(self) -> tuple[str, str]:
        """Return the revision and the column under the cursor, "" for none."""
        raise NotImplementedError

    def revision(self, label: str) -> Mapping[str, Any]:
        """Return a revision of the document."""
        return next(each for each in self._document["revisions"] if each["label"] == label)

    # ------------------------------------------------------------ reading

    def _with_thread(self, show: Callable[[Mapping[str, Any]], None]) -> None:
        """Read the thread from the store in a thread of its own, and show it."""

        def work() -> None:
            try:
                document = self.app.load_thread(self.slug)
            except PatchbotError as error:
                self.app.call_from_thread(self.app.complain, error)
            else:
                self.app.call_from_thread(show, document)

        self.run_worker(work, thread=True, group="thread", exclusive=True)

    def action_thread(self) -> None:
        """Read the mails, beginning with the revision's under the cursor."""
        label, _ = self._where()
        start = str(self.revision(label)["message_id"]) if label else ""

        def show(document: Mapping[str, Any]) -> None:
            answer = lambda mail: reply_to_mail(self.app, self.slug, mail)  # noqa: E731
            self.app.push_screen(ThreadScreen(document, answer, start))

        self._with_thread(show)

    def action_patches(self) -> None:
        """Read the patches of the revision under the cursor."""
        label, _ = self._where()
        if label:
            load = make_loader(self.app, self.slug, self._document, label)
            self.app.push_screen(Patches(self.revision(label), load, self._answer_patch))

    def _answer_patch(self, patch: Mapping[str, Any]) -> None:
        self._reply_to(str(patch["message_id"]))

    def action_compare(self) -> None:
        """Compare the revision under the cursor with the one before it."""
        label, _ = self._where()
        if len(self._document["revisions"]) < 2:
            self.notify("there is only one revision: nothing to compare it with")
        elif label:
            self.app.push_screen(Compare(self._document, label))

    # ------------------------------------------------------------ acting

    def action_stages(self) -> None:
        """Ask which stages to run, and run them."""
        label, column = self._where()

        def ask(names: Sequence[str]) -> None:
            chosen = [column] if column in names else names
            screen = ChooseStages(self._document, label, names, chosen)
            self.app.push_screen(screen, self._run_chosen)

        if label:
            self.app.with_stages(ask)

    def _run_chosen(self, chosen: Chosen | None) -> None:
        if chosen is not None:
            self.app.run_chosen(self._document, *chosen)

    def action_branch(self) -> None:
        """Ask for a branch, test the revision, and make it on an accept."""
        label, _ = self._where()
        tree = self._document["tree"]
        if not label:
            return
        if not tree:
            self.notify("there is no tree to make a branch in", severity="warning")
            return

        def check(name: str) -> None:
            from patchbot.tree import open_tree

            open_tree(Path(tree)).check_branch(name)

        def start(name: str | None) -> None:
            if name is not None:
                self.app.apply_branch(self._document, label, name)

        name = branch_name(self._document, label)
        self.app.push_screen(Ask(f"branch of {label}", name, _BRANCH_HINT, check), start)

    def action_reply(self) -> None:
        """Draft a reply to the first mail of the revision under the cursor."""
        label, _ = self._where()
        if label:
            self._reply_to(str(self.revision(label)["message_id"]))

    def _reply_to(self, message_id: str) -> None:
        def work() -> None:
            try:
                reply_to_patch(self.app, self.slug, message_id)
            except PatchbotError as error:
                self.app.call_from_thread(self.app.complain, error)

        self.app.run_worker(work, thread=True, group="reply", exclusive=True)

    def action_drafts(self) -> None:
        """List the drafts."""
        self.app.push_screen(Drafts())

    def action_export(self) -> None:
        """Ask for a file, and write the report to it."""

        def check(name: str) -> None:
            check_report_path(name)

        name = report_name(self._document)
        self.app.push_screen(Ask("export to", name, _REPORT_HINT, check), self._export)

    def _export(self, name: str | None) -> None:
        def work() -> None:
            try:
                path = save_report(str(name), self._document)
            except PatchbotError as error:
                self.app.call_from_thread(self.app.complain, error)
            else:
                said = f"the report is in {path.absolute()}"
                self.app.call_from_thread(self.app.notify, said, markup=False)

        if name is not None:
            self.run_worker(work, thread=True, group="export")


class FindingActions(Screen[None]):
    """The keys of a stage's findings that act; the series they are of is the screen below."""

    BINDINGS: ClassVar[Keys] = [("r", "reply", "reply")]
    app: PatchbotApp
    _label: str
    _result: Mapping[str, Any]

    def action_reply(self) -> None:
        """Draft a reply with the finding under the cursor."""
        below = [each for each in self.app.screen_stack if isinstance(each, SeriesActions)]
        findings = self._result["findings"]
        if not below or not findings:
            self.notify("there is no finding to write about")
            return
        at = self.query_one(OptionList).highlighted or 0
        series, stage = below[-1], str(self._result["stage"])
        revision = series.revision(self._label)
        reply_to_finding(self.app, series.slug, revision, stage, findings[at])


def make_loader(
    app: PatchbotApp, slug: str, document: Mapping[str, Any], label: str
) -> Callable[[Mapping[str, Any]], str]:
    """Return a function that reads a patch: its mail, else the commit that was made of it."""
    found: list[Mapping[str, Any]] = []

    def load(patch: Mapping[str, Any]) -> str:
        try:
            if not found:
                found.append(app.load_thread(slug))
            mail = find_mail(found[0], patch["message_id"])
            return str(mail["body"]) if mail is not None else _read_commit(document, label, patch)
        except PatchbotError as error:
            try:
                return _read_commit(document, label, patch)
            except PatchbotError:
                return f"it can't be read: {error}\n{error.hint or ''}"

    return load


def _read_commit(document: Mapping[str, Any], label: str, patch: Mapping[str, Any]) -> str:
    """Return the commit of a patch as git shows it; raises `PatchbotError`."""
    from patchbot.compare import find_commits, find_labelled
    from patchbot.tree import open_tree

    revision = find_labelled(document, label)
    _, commits = find_commits(revision)
    at = [each["message_id"] for each in revision["patches"]].index(patch["message_id"])
    if at >= len(commits) or not document["tree"]:
        raise PatchbotError("its mail was not kept, and it is not applied to a tree")
    return open_tree(Path(document["tree"])).show_commit(commits[at])

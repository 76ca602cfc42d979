"""Drafts of replies: made from a finding, a patch or a mail, opened in the editor, listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from patchbot.drafts import Draft, edit_draft, find_draft, list_drafts, write_draft
from patchbot.errors import PatchbotError
from patchbot.tui.widgets import Help, Keys, make_text
from patchbot.view.lists import one_line, say_age
from patchbot.view.reading import Line
from patchbot.view.reply import (
    choose_mail,
    make_reply,
    quote,
    quote_hunk,
    quote_whole,
    say_finding,
)
from patchbot.view.thread import find_mail

if TYPE_CHECKING:
    from patchbot.tui.app import PatchbotApp

_EMPTY = "there are no drafts; r on a finding, a patch or a mail makes one"
Write = Callable[[], Path]


def reply_to_mail(app: PatchbotApp, slug: str, mail: Mapping[str, Any]) -> None:
    """Draft a reply to a mail of a thread document, all of it quoted."""
    home = app.home

    def write() -> Path:
        path = find_draft(home, mail["message_id"])
        quoted = quote_whole(mail)
        if not path.exists():
            write_draft(path, _facts(slug, mail), make_reply(mail, quoted, ""), "", "mail")
        return path

    _start(app, write)


def reply_to_patch(app: PatchbotApp, slug: str, message_id: str) -> None:
    """Draft a reply to a mail that is named by its message-id."""
    thread = app.load_thread(slug)
    mail = find_mail(thread, message_id)
    if mail is None:
        app.call_from_thread(app.complain, _absent(message_id))
    else:
        app.call_from_thread(reply_to_mail, app, slug, mail)


def reply_to_finding(
    app: PatchbotApp,
    slug: str,
    revision: Mapping[str, Any],
    stage: str,
    finding: Mapping[str, Any],
) -> None:
    """Draft a reply with a finding to the patch that brought it, its hunk quoted."""
    home = app.home

    def write() -> Path:
        message_id = choose_mail(revision, finding["patch"])
        mail = find_mail(app.load_thread(slug), message_id)
        if mail is None:
            raise _absent(message_id)
        quoted = quote_hunk(mail["body"], finding["patch_line"], finding["file"])
        text = say_finding(finding, stage, revision)
        path = find_draft(home, message_id)
        key = "\n".join((stage, finding["rule"], str(finding["line"]), finding["message"]))
        whole, block = make_reply(mail, quoted, text), _block(quoted, text)
        write_draft(path, _facts(slug, mail), whole, block, key)
        return path

    _start(app, write)


def _block(quoted: list[str], text: str) -> str:
    return "\n".join([*quote(["[...]", *quoted]), "", text, ""])


def _facts(slug: str, mail: Mapping[str, Any]) -> dict[str, str]:
    subject, message_id = str(mail["subject"]), str(mail["message_id"])
    return {"slug": slug, "message_id": message_id, "subject": subject}


def _absent(message_id: str) -> PatchbotError:
    return PatchbotError(
        f"<{message_id}> was not kept with the review", hint="u fetches its thread anew"
    )


def _start(app: PatchbotApp, write: Write) -> None:
    """Write a draft in a thread, then open it."""

    def work() -> None:
        try:
            path = write()
        except PatchbotError as error:
            app.call_from_thread(app.complain, error)
        else:
            app.call_from_thread(open_draft, app, path)

    app.run_worker(work, thread=True, group="draft", exclusive=True)


def open_draft(app: PatchbotApp, path: Path) -> None:
    """Open a draft in the editor while the application stands still."""
    try:
        if app.is_headless:
            edit_draft(path)
        else:
            with app.suspend():
                edit_draft(path)
    except PatchbotError as error:
        app.complain(error)
    else:
        app.notify(f"{path}\nnothing was sent; m lists all drafts", title="draft", markup=False)
    app.refresh()


class Drafts(Screen[None]):
    """All drafts, the newest first."""

    BINDINGS: ClassVar[Keys] = [
        ("q,escape", "dismiss", "back"),
        ("j", "move(1)", ""),
        ("k", "move(-1)", ""),
        ("c", "copy", "copy path"),
        ("question_mark", "help", "keys"),
    ]
    app: PatchbotApp

    def __init__(self) -> None:
        super().__init__()
        self._drafts: list[Draft] = []

    def compose(self) -> ComposeResult:
        """What there is, and a line a draft."""
        yield Static(id="head")
        yield OptionList(id="drafts")
        yield Footer()

    def on_mount(self) -> None:
        """List them."""
        self.query_one(OptionList).focus()
        self._read()

    def on_screen_resume(self) -> None:
        """List them anew: an editor may have been at work."""
        self._read()

    def _read(self) -> None:
        self._drafts = list_drafts(self.app.home)
        count = f"drafts of replies: {len(self._drafts)}; patchbot sends none of them"
        head = [Line(count if self._drafts else _EMPTY, "file")]
        self.query_one("#head", Static).update(make_text(head))
        options, now = self.query_one(OptionList), time.time()
        at = options.highlighted
        options.clear_options()
        for each in self._drafts:
            words = f"{say_age(now - each.at):>7}  {one_line(each.subject)}"
            options.add_option(Option(Text(words, no_wrap=True)))
        options.highlighted = min(at or 0, len(self._drafts) - 1) if self._drafts else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open it in the editor."""
        open_draft(self.app, self._drafts[event.option_index].path)
        self._read()

    def action_move(self, by: int) -> None:
        """Go to the next or the previous draft."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if by > 0 else options.action_cursor_up()

    def action_copy(self) -> None:
        """Copy the path of the draft under the cursor."""
        at = self.query_one(OptionList).highlighted
        if at is not None:
            path = str(self._drafts[at].path)
            self.app.copy_to_clipboard(path)
            self.notify(path, title="copied", markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        keys = [("j k", "the next and the previous draft"), ("Enter", "open it in the editor")]
        keys += [("c", "copy its path, for the mailer"), ("q", "back")]
        self.app.push_screen(Help("drafts", keys))

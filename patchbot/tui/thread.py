"""The mails around a series: the thread as a tree, and the mail under the cursor below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.widgets import Footer, OptionList, Static
from textual.widgets.option_list import Option

from patchbot.tui.reader import Reader
from patchbot.tui.rowview import RowView
from patchbot.tui.widgets import Keys, style_of
from patchbot.view.lists import one_line
from patchbot.view.reading import Line
from patchbot.view.thread import read_mail, say_threads

_WIDE = 160
Answer = Callable[[Mapping[str, Any]], None]
"""Drafts a reply to a mail of the thread document."""


class ThreadScreen(Reader):
    """The threads of a review, from the document `patchbot.thread/1`."""

    BINDINGS: ClassVar[Keys] = [
        ("right_square_bracket", "turn(1)", "next mail"),
        ("left_square_bracket", "turn(-1)", "previous mail"),
        Binding("j", "turn(1)", "", show=False),
        Binding("k", "turn(-1)", "", show=False),
        Binding("enter", "open", "read", priority=True),
        ("q,escape", "close", "back"),
        ("r", "reply", "reply"),
    ]
    HELP_TITLE = "the thread"
    HELP_KEYS: ClassVar[list[tuple[str, str]]] = [
        ("j k", "the next and the previous mail, while the tree is there"),
        ("[ ]", "the next and the previous mail, always"),
        ("Enter", "this mail on the whole screen, and back"),
        ("r", "draft a reply to this mail, all of it quoted"),
    ]

    def __init__(self, document: Mapping[str, Any], answer: Answer, start: str = "") -> None:
        super().__init__()
        self._document, self._answer = document, answer
        self._mails = list(document["mails"])
        ids = [mail["message_id"] for mail in self._mails]
        self._start = ids.index(start) if start in ids else 0

    def compose(self) -> ComposeResult:
        """The title, the tree, and a mail."""
        rows = say_threads(self._document)
        yield Static(id="head")
        options = [Option(Text(row.text, style_of(row.style), no_wrap=True)) for row in rows]
        with Container(id="sides"):
            yield OptionList(*options, id="tree")
            yield RowView(id="rows")
        yield Footer()

    def on_resize(self) -> None:
        """Put the tree beside the mail where there is room for both."""
        self.set_class(self.size.width >= _WIDE, "wide")
        self.call_after_refresh(self.query_one(OptionList).scroll_to_highlight)

    def on_mount(self) -> None:
        """Look at the first mail, or the one that was asked for."""
        title = one_line(self._document["series"]["title"])
        self.say_head(Line(title, "file"), Line(f"mails: {len(self._mails)}", "dim"))
        tree = self.query_one(OptionList)
        tree.focus()
        tree.highlighted = self._start if self._mails else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the mail under the cursor."""
        mail = self._mails[event.option_index]
        self.show_rows(lambda width: read_mail(mail))

    def action_turn(self, by: int) -> None:
        """Go to the next or the previous mail."""
        tree = self.query_one(OptionList)
        at = (tree.highlighted or 0) + by
        if 0 <= at < len(self._mails):
            tree.highlighted = at

    def action_open(self) -> None:
        """Give the mail the whole screen, or the tree its part again."""
        tree = self.query_one(OptionList)
        tree.display = not tree.display
        (tree if tree.display else self.view).focus()

    def action_close(self) -> None:
        """From a mail to the tree, from the tree away."""
        if self.query_one(OptionList).display:
            self.dismiss()
        else:
            self.action_open()

    def action_reply(self) -> None:
        """Draft a reply."""
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self._answer(self._mails[at])

"""Reading and acting in the interface: on a real store, a real public-inbox and real commands."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, Label, OptionList

from patchbot.cli import main
from patchbot.demo import find_mbox, make_base_repository
from patchbot.drafts import list_drafts
from patchbot.mail.mbox import quote_mail
from patchbot.proc import PROCESSES
from patchbot.tui.asking import Ask
from patchbot.tui.compare import Compare
from patchbot.tui.jobs import Job
from patchbot.tui.listing import ListScreen
from patchbot.tui.patches import Patches
from patchbot.tui.reading import Detail
from patchbot.tui.replying import Drafts
from patchbot.tui.series import SeriesScreen
from patchbot.tui.stages import Choices, ChooseStages
from patchbot.tui.thread import ThreadScreen
from patchbot.tui.widgets import Help
from tests.support import ROOT
from tests.support.cli import run_on_terminal
from tests.support.git_tree import run_git
from tests.support.mailmaker import raw_mail
from tests.support.pilot import Tour, drive
from tests.support.public_inbox import PublicInbox, read_mboxes

V3 = find_mbox("page-protect-v3.mbox")
COVER = "20260315191000.3456-1-mira@example.org"
FIX = "20260402110500.8888-1-lena@example.com"
ALTERNATE_SCREEN = "\x1b[?1049h"


@pytest.fixture(autouse=True)
def fresh_processes() -> Iterator[None]:
    yield
    PROCESSES.reset()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBOT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    make_base_repository(tmp_path / "tree")
    return tmp_path / "tree"


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An editor that adds a line; what it was given stands in the file that is returned."""
    seen, program = tmp_path / "seen", tmp_path / "editor"
    program.write_text(f'#!/bin/sh\ncp "$1" {seen}\necho "typed by hand" >> "$1"\n')
    program.chmod(0o755)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(program))
    return seen


def review(tree: Path, *sources: Path | str) -> None:
    """Keep a review with the two stages that are quick."""
    words = [str(each) for each in sources]
    main(["review", *words, "--tree", str(tree), "--stages", "apply,static", "--json"])


def test_a_series_from_a_server_is_added_read_and_answered(
    home: Path, editor: Path, demo_inbox: PublicInbox
) -> None:
    address = f"{demo_inbox.inbox_url('demo')}/{FIX}/"

    async def journey(tour: Tour) -> None:
        await tour.press("a")
        await tour.reach(Ask)
        wrongs = (("/no.mbox", "no such file"), ("walnut", "no message-id"), ("", "nothing"))
        for typed, words in wrongs:
            await tour.type(typed)
            said = tour.app.screen.query_one("#wrong", Label)
            await tour.until(lambda words=words, said=said: words in str(said.render()))
            assert len(str(said.render()).splitlines()) == 2  # what is wrong, and what to type
        await tour.type(address)
        await tour.reach(ListScreen)
        await tour.until(lambda: not tour.app.running() and tour.rows())
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("t")
        await tour.reach(ThreadScreen)
        await tour.until(lambda: "ext4_page_mkwrite() drops the page lock" in tour.shown())
        await tour.press("j")
        await tour.until(lambda: "Right, I missed that. Thank you." in tour.shown())
        await tour.press("enter")
        assert not tour.app.screen.query_one(OptionList).display
        await tour.press("r")
        await tour.until(editor.exists)
        await tour.until(lambda: any("nothing was sent" in each for each in tour.notes()))
        await tour.press("q", "q")
        await tour.reach(SeriesScreen)
        await tour.press("m")
        await tour.reach(Drafts)
        await tour.until(lambda: tour.app.screen.query_one(OptionList).option_count == 1)
        editor.unlink()
        await tour.press("enter")
        await tour.until(editor.exists)
        assert editor.read_text().endswith("typed by hand\n")

    drive(home, journey)
    (draft,) = list_drafts(home)
    text = draft.path.read_text()
    assert text.count("typed by hand") == 2
    assert "\n> Right, I missed that. Thank you.\n" in text
    assert "To: Mira Olsen <mira@example.org>\n" in text


def test_what_a_server_has_anew_is_fetched(
    home: Path, own_public_inbox: Callable[..., PublicInbox]
) -> None:
    mails = [find_mbox("page-protect-v2.mbox"), V3]
    server = own_public_inbox("demo", [V3])
    assert main(["review", COVER, "--lore", server.inbox_url("demo"), "--json"]) == 3
    server.add("demo", read_mboxes(mails[:1]))

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        assert "v4 of 2" in tour.rows()[0]
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("u")
        await tour.until(lambda: [row.split("|")[0] for row in tour.rows()] == ["v2", "v3", "v4"])
        await tour.press("t")
        await tour.reach(ThreadScreen)
        assert tour.words("#head").endswith("mails: 16")
        await tour.press("q", "q")
        await tour.reach(ListScreen)
        await tour.until(lambda: ["v4 of 3" in row for row in tour.rows()] == [True])

    drive(home, journey)


def test_patches_are_read_also_side_by_side(home: Path) -> None:
    main(["review", str(V3), "--json"])  # no tree: what is read are the mails

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("p")
        await tour.reach(Patches)
        await tour.until(lambda: "diff --git a/fs/jbd2/commit.c" in tour.shown())
        assert "-        return generic_writepages(mapping, &wbc);" in tour.shown().split("\n")
        await tour.press("s")
        rows = tour.shown().split("\n")
        assert any(row.startswith("-    return generic_writepages(") for row in rows)
        assert all(len(row) <= 80 for row in rows)
        assert "4, patch 1 (1 of 3)" in tour.words("#head")
        await tour.press("right_square_bracket")
        await tour.until(lambda: "patch 2 (2 of 3)" in tour.words("#head"))
        await tour.press("left_square_bracket", "left_square_bracket")
        await tour.until(lambda: "patch 1 (1 of 3)" in tour.words("#head"))
        await tour.press("question_mark")
        await tour.reach(Help)

    assert drive(home, journey).state.beside == "yes"


def test_revisions_are_compared(home: Path, tree: Path) -> None:
    review(tree, V3, find_mbox("page-protect-v1.mbox"))

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("d")
        await tour.reach(Compare)
        await tour.until(lambda: "gone from v4: 1" in tour.shown())
        assert "2:  " in tour.shown()
        assert " ext4: write-protect mapped pages" in tour.shown()
        await tour.press("o")
        await tour.until(lambda: "v1 → v4" in tour.words("#head") and "new in" in tour.shown())
        await tour.press("left_square_bracket")
        await tour.until(lambda: "v1 → v3" in tour.words("#head") and "new in" in tour.shown())

    drive(home, journey)


def test_a_finding_is_written_about_once(home: Path, tree: Path, editor: Path) -> None:
    review(tree, V3)

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("h", "enter")
        await tour.reach(Detail)
        for keys in ((), (), ("j",)):
            await tour.press(*keys, "r")
            await tour.until(editor.exists)
            await tour.until(lambda: tour.app.screen.is_current)
            editor.unlink()

    drive(home, journey)
    (draft,) = list_drafts(home)
    text = draft.path.read_text()
    assert text.count("typed by hand") == 3
    assert text.count("Found by patchbot's static stage") == 2
    assert text.count("> @@ -1,11 +1,49 @@\n") == 2
    assert "(error, writepage-callback-loses-dirty, at fs/ext4/super.c:18)" in text


def test_chosen_stages_run_again(home: Path, tree: Path) -> None:
    review(tree, V3)

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("h", "S")
        await tour.reach(ChooseStages)
        chosen = {each.id: each.chosen for each in tour.app.screen.query(Choices)}
        assert chosen == {"revisions": ["v4"], "stages": ["static"]}
        await tour.press("space", "enter")
        assert isinstance(tour.app.screen, ChooseStages)  # nothing is chosen now
        await tour.press("k", "space", "enter")
        await tour.reach(SeriesScreen)
        await tour.until(tour.app.running)
        (job,) = tour.app.running()
        assert [*job.argv[:4], *job.argv[6:11]] == [
            "review", "20260317211000.3500-1-mira@example.org", "--stored", "--merge",
            "--revision", "4", "--stages", "apply", "--no-cache",
        ]  # fmt: skip
        await tour.until(lambda: not tour.app.running())
        await tour.until(lambda: "fail" in tour.rows()[1])
        assert [row.split("|")[0] for row in tour.rows()] == ["v3", "v4"]
        assert job.failure == ""

    drive(home, journey)


def test_a_branch_is_asked_for(home: Path, tree: Path) -> None:
    review(tree, find_mbox("dirty-count-v2.mbox"))

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("B")
        await tour.reach(Ask)
        await tour.type("main")
        wrong = tour.app.screen.query_one("#wrong", Label)
        await tour.until(lambda: "exists already" in str(wrong.render()))
        await tour.type("review/count")
        await tour.reach(SeriesScreen)
        await tour.until(tour.app.running)
        (job,) = tour.app.running()
        assert [job.argv[0], *job.argv[6:11]] == [
            "apply", "--revision", "2", "--test", "--branch", "review/count",
        ]  # fmt: skip
        await tour.press("x")  # all stages take a while; what they lead to is tested without this
        await tour.until(lambda: not tour.app.running())
        job.cancelled, job.failure, job.lines = False, "", ["branch review/count made"]
        tour.app._say_ended(job)
        await tour.until(lambda: "done: branch review/count made" in tour.notes())

    drive(home, journey)
    assert run_git(tree, "branch", "--list", "review/count") == ""


def test_the_report_is_exported(home: Path, tmp_path: Path, tree: Path) -> None:
    review(tree, V3)
    target = tmp_path / "report.json"

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        await tour.press("e")
        await tour.reach(Ask)
        assert tour.app.screen.query_one(Input).value.endswith(".txt")
        await tour.type(str(tmp_path / "none" / "report"))
        wrong = tour.app.screen.query_one("#wrong", Label)
        await tour.until(lambda: "no such folder" in str(wrong.render()))
        await tour.type(str(target))
        await tour.until(target.exists)

    drive(home, journey)
    assert json.loads(target.read_text())["schema"] == "patchbot.review/1"


def test_a_review_of_the_command_line_is_shown_while_it_runs(home: Path, tree: Path) -> None:
    words = ("review", str(V3), "--tree", str(tree), "--stages", "apply,static")
    first = Job((*words, "--json", "--events"))

    async def journey(tour: Tour) -> None:
        await tour.reach(SeriesScreen)
        assert "ext4: keep mapped pages still" in tour.words("#head")
        assert [row.split("|")[0] for row in tour.rows()] == ["v3", "v4"]
        await tour.until(lambda: not tour.app.running())
        await tour.until(lambda: tour.rows()[1].endswith("needs work"))
        await tour.press("q")
        await tour.reach(ListScreen)
        assert "needs work" in tour.rows()[0]

    drive(home, journey, first=first)
    assert first.code == 1


def test_a_review_that_can_not_run_is_said_in_place(home: Path) -> None:
    first = Job(("review", "/no.mbox", "--json", "--events"))

    async def journey(tour: Tour) -> None:
        await tour.until(lambda: tour.app.failed is first)
        await tour.until(lambda: "/no.mbox: no such file" in tour.words("#progress"))
        assert isinstance(tour.app.screen, ListScreen)

    drive(home, journey, first=first)


def test_hostile_mail_harms_neither_the_terminal_nor_the_markup(
    home: Path, tmp_path: Path, editor: Path
) -> None:
    evil = (
        "\x1b[2J\x1b]52;c;b3duZWQ=\x07[bold red]walnut[/] [@click=app.quit]x[/] [/nothing]\x9b31m"
    )
    diff = f"diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-{evil}\n+\u202e{evil}\n"
    body = f"> {evil}\n{evil}\n---\n{diff}"
    raw = raw_mail(f"[PATCH] {evil}", "evil", sender=f'"{evil}" <ada@example.org>', body=body)
    mbox = tmp_path / "evil.mbox"
    mbox.write_bytes(quote_mail(raw))
    main(["review", str(mbox), "--json"])

    async def journey(tour: Tour) -> None:
        await tour.until(tour.rows)
        await tour.press("enter")
        await tour.reach(SeriesScreen)
        for key, screen in (("t", ThreadScreen), ("p", Patches)):
            await tour.press(key)
            await tour.reach(screen)
            await tour.until(lambda: "[bold red]walnut[/]" in tour.shown())
            assert tour.shown().replace("\n", "").replace("\u200b", "").isprintable()
            assert "\\x1b[2J" in tour.shown()
            for strip in tour.app.screen._compositor.render_strips():
                assert not any(char < " " or "\x7f" <= char < "\xa0" for char in strip.text)
            await tour.press("r")
            await tour.until(editor.exists)
            editor.unlink()
            await tour.press("q")
            await tour.reach(SeriesScreen)

    drive(home, journey)
    (draft,) = list_drafts(home)
    assert not any(char < " " and char not in "\t\n" for char in draft.path.read_text())


def on_terminal(*args: str, keys: bytes, until: str) -> tuple[int, str]:
    """Run patchbot with all of its streams on one terminal; press keys once a text was shown."""
    ours, theirs = pty.openpty()
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernel-sim"), str(ROOT / "checks")])
    with subprocess.Popen(
        [sys.executable, "-m", "patchbot", *args], stdin=theirs, stdout=theirs, stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "PYTHONPATH": path}, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen, end = b"", time.monotonic() + 60
        try:
            while process.poll() is None and time.monotonic() < end:
                if select.select([ours], [], [], 0.1)[0]:
                    try:
                        seen += os.read(ours, 1 << 16)
                    except OSError:
                        break
                if keys and until.encode() in seen:
                    os.write(ours, keys)
                    keys = b""
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            os.close(ours)
    return process.returncode, seen.decode("utf-8", "replace")


def test_a_review_on_a_terminal_opens_the_interface(home: Path, tree: Path) -> None:
    words = ("review", str(V3), "--tree", str(tree), "--stages", "apply")
    code, seen = on_terminal(*words, keys=b"Q", until="range-diff")
    assert ALTERNATE_SCREEN in seen
    assert code in (0, 130)  # the verdict's code, or stopped: who is quicker
    code, seen = on_terminal(*words, "--plain", keys=b"", until="")
    assert ALTERNATE_SCREEN not in seen
    assert "Verdicts" in seen


def test_without_a_keyboard_nothing_changes(home: Path, tree: Path) -> None:
    ran = run_on_terminal("review", V3, "--tree", tree, "--stages", "apply")
    assert ALTERNATE_SCREEN not in ran.out
    assert "Verdicts" in ran.out


def test_a_command_is_of_the_series_that_it_reviews_now() -> None:
    def found(slug: str) -> str:
        return json.dumps({"event": "found", "document": {"series": {"slug": slug}}})

    demo, named = Job(("demo",)), Job(("review", "x"), slug="mine")
    for job in (demo, named):
        job.take(found("first"))
    assert (demo.slug, named.slug) == ("first", "mine")
    for job in (demo, named):
        job.take(found("second"))
    assert (demo.slug, named.slug) == ("second", "mine")

"""`patchbot lab`: threads made for a kernel tree, in files, served on loopback, or reviewed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbot.errors import StoreError, UsageError
from patchbot.git import Repository
from patchbot.importing import name_import
from patchbot.lab.mails import Thread, make_threads
from patchbot.lab.server import LabServer
from patchbot.lab.story import Story, load_story
from patchbot.proc import render_command
from patchbot.tree import find_tree, open_tree
from patchbot.tree_command import import_tree
from patchbot.workspace import make_lock, run_folder

SCHEMA = "patchbot.lab/1"
LIST = "lab"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Lab:
    """The threads that were made for a base, and the mbox file of each."""

    tree: Repository
    base: str
    story: Story
    threads: Sequence[Thread]
    mboxes: Sequence[Path]

    def serve(self, port: int = 0) -> LabServer:
        """Return a server of all threads, which is a context manager."""
        return LabServer(LIST, (thread.mails for thread in self.threads), port)

    @property
    def newest(self) -> str:
        """The message-id of the newest revision's cover."""
        return self.threads[-1].message_id


def find_lab_tree(
    named: Path | None, source: Path | None, configured: Path | None, folder: Path, say: Say
) -> Repository:
    """Return the tree of a lab: the one named, or made in `folder` of a source, or stood in.

    Raises `UsageError` where there is none, and `TreeError`.
    """
    if named is not None and source is not None:
        raise UsageError("--tree and --source are two trees", hint="choose one")
    if source is not None:
        return open_tree(
            import_tree(source, folder / "trees" / name_import(source), say).repository
        )
    tree = find_tree(named, configured)
    if tree is None:
        raise UsageError(
            "no kernel tree to make a lab of",
            hint="--tree names one, --source a package such as /usr/src/linux-source-6.1.tar.xz",
        )
    return tree


def make_lab(tree: Repository, rev: str | None, folder: Path, say: Say) -> Lab:
    """Make the threads for a commit, and write them below `folder`; the tree is left as it is.

    Raises `UsageError` for a commit that the tree lacks, `TreeError` where the lab does not fit it,
    and `StoreError`.
    """
    base = tree.resolve_commit(rev or "HEAD")
    if base is None:
        raise UsageError(f"{tree.top} has no commit {rev or 'HEAD'!r}", hint="name one: --base")
    say(f"writing patches for {base[:12]}")
    story = load_story()
    with run_folder(folder) as scratch:
        threads = make_threads(tree, base, story, scratch / "git")
    where = folder / "mails" / base[:12]
    make_lock(folder, str(where))(lambda: _write(where, threads))
    mboxes = [where / f"v{thread.number}.mbox" for thread in threads]
    return Lab(tree, base, story, threads, mboxes)


def _write(where: Path, threads: Sequence[Thread]) -> None:
    """Write the mbox files into a folder that appears whole, or not at all."""
    fresh = where.with_name(f"{where.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for thread in threads:
            (fresh / f"v{thread.number}.mbox").write_bytes(thread.mbox)
        shutil.rmtree(where, ignore_errors=True)
        fresh.rename(where)
    except OSError as error:
        raise StoreError(
            f"{where}: {error.strerror}", hint="free space, or name another folder with --out"
        ) from error


def render_document(lab: Lab, url: str | None) -> dict[str, Any]:
    """Return what was made as a JSON document."""
    rows = zip(lab.story.revisions, lab.threads, lab.mboxes, strict=True)
    return {
        "schema": SCHEMA,
        "title": lab.story.title,
        "tree": str(lab.tree.top),
        "base": lab.base,
        "url": url,
        "revisions": [
            {
                "label": revision.label,
                "message_id": thread.message_id,
                "mbox": str(mbox),
                "faults": {str(number): what for number, what in revision.faults.items()},
            }
            for revision, thread, mbox in rows
        ],
    }


def render_lab(document: dict[str, Any]) -> str:
    """Return such a document as text, with the commands to type."""
    lines = [f"{document['title']}, made for {document['base'][:12]}", ""]
    for row in document["revisions"]:
        lines += [f"{row['label']}  <{row['message_id']}>", f"    {row['mbox']}"]
    newest, tree = document["revisions"][-1]["message_id"], document["tree"]
    where = [row["mbox"] for row in document["revisions"]]
    if document["url"]:
        where = ["--lore", document["url"]]
        lines += ["", f"served at {document['url']}; Ctrl-C ends it. In another terminal:"]
    else:
        lines += ["", "To review it:"]
    stages = ["--stages", "apply,static"]
    review = ["patchbot", "review", newest, *where, "--tree", tree]
    lines += [f"    {render_command(review)}", f"    {render_command([*review, *stages])}"]
    if document["url"]:
        smoke = ["patchbot", "smoke", "--revision", f"{newest}:v3", *where, "--tree", tree]
        lines.append(f"    {render_command(smoke)}")
    return "\n".join(lines)


def wait_for_interrupt() -> None:
    """Wait for Ctrl-C, and take it."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return

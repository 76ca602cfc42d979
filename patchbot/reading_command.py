"""The commands that read what is kept: `thread` and `compare`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from patchbot.diagnostics import ExitCode, Narrator
from patchbot.errors import PatchbotError
from patchbot.output import make_output, print_json
from patchbot.settings import read_settings


def find_kept(store: Any, name: str) -> Any:
    """Return the kept review that a message-id, its address or a change-id names.

    Raises `PatchbotError` where nothing is kept of it.
    """
    from patchbot.mail.archive import parse_message_id

    found = store.find_review(parse_message_id(name)[0] if "@" in name else name)
    if found is None:
        raise PatchbotError(f"nothing is kept of {name}", hint=f"run: patchbot review {name}")
    return found


def load_threads(store: Any, kept: Any) -> dict[str, Any]:
    """Return the threads of a kept review as the document `patchbot.thread/1`.

    Raises `PatchbotError` where its mails were not kept.
    """
    import io

    from patchbot.mail.mbox import read_mails
    from patchbot.mail.thread import Mails
    from patchbot.threads import render_threads

    data = store.load_threads(kept.slug)
    if data is None:
        newest = kept.document["revisions"][-1]["message_id"]
        hint = f"an older patchbot made it; run: patchbot review {newest}"
        raise PatchbotError("the mails of this review were not kept", hint=hint)
    return render_threads(kept.document, Mails(read_mails(io.BytesIO(data))))


def run_thread(args: argparse.Namespace, narrator: Narrator) -> int:
    """Print the threads of a kept review: a line a mail, or the document."""
    from patchbot.store import Store
    from patchbot.view.thread import say_threads

    store = Store(read_settings().home)
    try:
        document = load_threads(store, find_kept(store, args.name))
    finally:
        store.close()
    if args.json:
        print_json(document)
    else:
        _print_lines(args, [row.text for row in say_threads(document)])
    return ExitCode.ACCEPT


def run_compare(args: argparse.Namespace, narrator: Narrator) -> int:
    """Print what changed between two revisions: patches and findings, or the document."""
    from patchbot.compare import compare_revisions
    from patchbot.store import Store
    from patchbot.view.compare import say_findings, say_range_diff

    store = Store(read_settings().home)
    try:
        kept = find_kept(store, args.name).document
    finally:
        store.close()
    older, newer = _choose(kept, args.older, args.newer)
    document = compare_revisions(kept, older, newer)
    if args.json:
        print_json(document)
    else:
        rows = [*say_range_diff(document), (), *((line,) for line in say_findings(document))]
        _print_lines(args, ["".join(part.text for part in row) for row in rows])
    return ExitCode.ACCEPT


def _choose(kept: Mapping[str, Any], older: str | None, newer: str | None) -> tuple[str, str]:
    """Return the revisions to compare: by default the newest with the one before it."""
    labels = [str(each["label"]) for each in kept["revisions"]]
    if older is None and len(labels) == 1:
        raise PatchbotError("there is only one revision", hint="nothing to compare it with")
    return older or labels[-2], newer or labels[-1]


def _print_lines(args: argparse.Namespace, lines: list[str]) -> None:
    console = make_output(args)
    for line in lines:
        console.print(line, soft_wrap=True)

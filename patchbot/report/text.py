"""Render a review document for a terminal, or as plain text for a pipe."""

from __future__ import annotations

import io
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from patchbot.store import Summary, count_trailers

STYLES = {
    "pass": "green",
    "warn": "yellow",
    "fail": "red",
    "error": "bold red",
    "inconclusive": "magenta",
    "skipped": "dim",
    "accept": "bold green",
    "needs work": "bold yellow",
    "reject": "bold red",
    "cannot tell": "bold magenta",
    "warning": "yellow",
    "note": "dim",
}
"""Rich's style for each status, verdict and severity."""
_WEIGHT = {"error": 0, "warning": 1, "note": 2}
_PIPE_WIDTH = 110
_BIDI = {*range(0x2028, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_COLUMNS = ("revision", "sent", "patches", "trailers", "base")
_LEAST = ("sent", "base", "trailers", "patches")
_ANY_WIDTH = 10_000


def clean_text(text: str) -> str:
    """Return text that can't command a terminal: control and direction characters are shown.

    Line feeds stay; other line separators are shown as well.
    """
    if text.isprintable():
        return text
    out = []
    for char in text:
        code = ord(char)
        if char in "\n\t" or (code >= 0x20 and not 0x7F <= code < 0xA0 and code not in _BIDI):
            out.append("\ufffd" if 0xD800 <= code < 0xE000 else char)
        else:
            out.append(f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
    return "".join(out).replace("\t", "    ")


class ReportConsole(Console):
    """A console that raises `BrokenPipeError` where rich would exit with 1, a verdict's code."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled."""
        raise  # rich calls this while it handles the error


class _Stripped:
    """A text stream that drops the white space at the end of each line written to it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return int(self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE)) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def make_console(stream: Any, environ: Mapping[str, str], *, plain: bool = False) -> Console:
    """Return a console for `stream`: colour only on a terminal, and never with `NO_COLOR`."""
    terminal = bool(getattr(stream, "isatty", lambda: False)()) and not plain
    colour = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    columns = environ.get("COLUMNS", "")
    width = int(columns) if re.fullmatch("[0-9]{2,4}", columns) and int(columns) > 20 else None
    file: Any = stream if terminal else _Stripped(stream)
    return ReportConsole(
        file=file,
        force_terminal=terminal,
        color_system="auto" if colour else None,
        no_color=not colour,
        width=width or (None if terminal else _PIPE_WIDTH),
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def render_text(document: Mapping[str, Any], *, width: int = _PIPE_WIDTH) -> str:
    """Return a review document as plain text."""
    stream = io.StringIO()
    print_review(make_console(stream, {"COLUMNS": str(width)}), document)
    return stream.getvalue()


def print_review(console: Console, document: Mapping[str, Any]) -> None:
    """Print a review: head, a row a revision, findings by weight, then what was decided."""
    series = document["series"]
    console.print(_line(series["title"], "bold"))
    author = series["author"]
    change = f", change-id {series['change_id']}" if series["change_id"] else ""
    console.print(_line(f"by {author['name']} <{author['email']}>{change}"))
    console.print(_line(f"tree: {document['tree'] or 'none'}"))
    console.print()
    _print_overview(console, document)
    _print_skipped(console, document)
    console.print()
    _print_reasons(console, document)
    _print_findings(console, document)
    _print_trailers(console, document)
    _print_decisions(console, document)


def _line(text: str, style: str = "") -> Text:
    """Return one line: what a mail put into a name or a title can't start another."""
    return Text(clean_text(text).replace("\n", " "), style=style, overflow="fold")


def _block(text: str, style: str = "") -> Text:
    return Text(clean_text(text), style=style, overflow="fold")


def _print_overview(console: Console, document: Mapping[str, Any]) -> None:
    """Print the matrix; a narrow console gets fewer columns, a very narrow one a list."""
    anywhere = console.options.update(max_width=_ANY_WIDTH)
    for dropped in range(len(_LEAST) + 1):
        table = _matrix(document, [n for n in _COLUMNS if n not in _LEAST[:dropped]])
        if console.measure(table, options=anywhere).maximum <= console.width:
            console.print(table)
            return
    stages = _stage_names(document)
    for revision in document["revisions"]:
        verdict = revision["verdict"]["status"]
        console.print(_line(f"{_revision_name(revision)}: ") + _line(verdict, STYLES[verdict]))
        for name in stages:
            console.print(_line(f"  {name}: ") + _stage_cell(revision["stages"].get(name)))


def _matrix(document: Mapping[str, Any], columns: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    stages = _stage_names(document)
    for name in (*columns, *stages, "verdict"):
        table.add_column(name, overflow="fold")
    for revision in document["revisions"]:
        facts = _facts(revision)
        table.add_row(
            *(_line(facts[name]) for name in columns),
            *(_stage_cell(revision["stages"].get(name)) for name in stages),
            _line(revision["verdict"]["status"], STYLES[revision["verdict"]["status"]]),
        )
    return table


def _facts(revision: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in each of `_COLUMNS` for a revision."""
    return {
        "revision": _revision_name(revision),
        "sent": (revision["date"] or "no date")[:10],
        "patches": _patch_count(revision),
        "trailers": _trailer_count(revision),
        "base": _base_name(revision),
    }


def _stage_names(document: Mapping[str, Any]) -> list[str]:
    """Return the stages that have a column: all but those that every revision skipped."""
    skipped = _skipped_names(document)
    names = [name for name in _all_names(document) if name not in skipped]
    return names or _all_names(document)


def _all_names(document: Mapping[str, Any]) -> list[str]:
    names: dict[str, None] = {}
    for revision in document["revisions"]:
        names.update(dict.fromkeys(revision["stages"]))
    return list(names)


def _skipped_names(document: Mapping[str, Any]) -> list[str]:
    revisions = [revision["stages"] for revision in document["revisions"]]
    return [
        name
        for name in _all_names(document)
        if all(name in stages and stages[name]["status"] == "skipped" for stages in revisions)
    ]


def _print_skipped(console: Console, document: Mapping[str, Any]) -> None:
    """Say which stages no revision went through, and why the newest did not."""
    skipped = _skipped_names(document)
    if skipped and skipped != _all_names(document):
        newest = document["revisions"][-1]["stages"]
        for name in skipped:
            console.print(_line(f"{name}: skipped for every revision: {newest[name]['reason']}"))


def _revision_name(revision: Mapping[str, Any]) -> str:
    marks = [
        word for word, on in (("RFC", revision["rfc"]), ("partial", revision["partial"])) if on
    ]
    return " ".join([revision["label"], *marks])


def _patch_count(revision: Mapping[str, Any]) -> str:
    have, total = len(revision["patches"]), revision["total"]
    return str(have) if have == total else f"{have} of {total}"


def _trailer_count(revision: Mapping[str, Any]) -> str:
    return " ".join(f"{key}:{count}" for key, count in count_trailers(revision).items())


def _base_name(revision: Mapping[str, Any]) -> str:
    base = revision["base"]
    if base is None:
        return "-"
    return f"{base['commit'][:12]}{' (guess)' if base['guess'] else ''}"


def _stage_cell(result: Mapping[str, Any] | None) -> Text:
    if result is None:
        return _line("did not run", "bold red")
    count = sum(f["severity"] != "note" and f["change"] != "fixed" for f in result["findings"])
    text = result["status"] + (f" ({count})" if count else "")
    return _line(text, STYLES[result["status"]])


def _print_reasons(console: Console, document: Mapping[str, Any]) -> None:
    """Print each verdict with its reasons; revisions that share both stand together."""
    console.print(_line("Verdicts", "bold"))
    shared: dict[tuple[str, ...], list[str]] = {}
    for revision in document["revisions"]:
        verdict = revision["verdict"]
        shared.setdefault((verdict["status"], *verdict["reasons"]), []).append(revision["label"])
    for (status, *reasons), labels in shared.items():
        console.print(Text.assemble(f"  {', '.join(labels)}: ", (status, STYLES[status])))
        for reason in reasons:
            console.print(Padding(_block(reason), (0, 0, 0, 6)))
    scopes = {name for r in document["revisions"] for name in r["verdict"]["scope"]}
    said = ", ".join(sorted(scopes)) or "no stage"
    console.print(_line(f"  These rest on: {said}. What no stage looked at is not vouched for."))


def _print_findings(console: Console, document: Mapping[str, Any]) -> None:
    rows = [
        (finding, revision["label"], name)
        for revision in document["revisions"]
        for name, result in revision["stages"].items()
        for finding in result["findings"]
    ]
    if not rows:
        return
    console.print()
    console.print(_line("Findings", "bold"))
    for finding, label, stage in sorted(rows, key=lambda row: _WEIGHT[row[0]["severity"]]):
        _print_finding(console, finding, label, stage)


def _print_finding(console: Console, finding: Mapping[str, Any], label: str, stage: str) -> None:
    place = finding["file"] or ""
    if finding["file"] and finding["line"]:
        place += f":{finding['line']}"
    if finding["patch"]:
        at = f" line {finding['patch_line']} of its diff" if finding["patch_line"] else ""
        place += f"{', ' if place else ''}patch {finding['patch']}{at}"
    change = f", {finding['change']}" if finding["change"] else ""
    head = Text("  ")
    head.append(finding["severity"], STYLES[finding["severity"]])
    head.append(clean_text(f" {label} {stage}/{finding['rule']}{change}"))
    head.append(clean_text(f" ({place})") if place else "")
    console.print(head, overflow="fold")
    console.print(_indented(finding["message"]))
    for line in finding["evidence"].rstrip("\n").split("\n") if finding["evidence"] else ():
        console.print(_indented(line, 8, "dim"))


def _indented(text: str, columns: int = 6, style: str = "") -> Padding:
    return Padding(_block(text, style), (0, 0, 0, columns), expand=False)


def _print_trailers(console: Console, document: Mapping[str, Any]) -> None:
    rows = [(r["label"], t) for r in document["revisions"] for t in r["trailers"]]
    if rows:
        console.print()
        console.print(_line("Trailers from replies", "bold"))
    for label, trailer in rows:
        where = f"patch {trailer['patch']}" if trailer["patch"] else "cover"
        more = f" (sent by {trailer['mismatch']})" if trailer["mismatch"] else ""
        more += f" (given to {trailer['carried_from']})" if trailer["carried_from"] else ""
        console.print(_line(f"  {label} {where}: {trailer['name']}: {trailer['value']}{more}"))


def _print_decisions(console: Console, document: Mapping[str, Any]) -> None:
    console.print()
    console.print(_line("What was decided", "bold"))
    for revision in document["revisions"]:
        console.print(_line(f"  {revision['label']}  <{revision['message_id']}>"))
        for note in _revision_notes(revision):
            console.print(_indented(note))
    for note in (*document["series"]["notes"], *document["notes"]):
        console.print(_indented(note, 2))
    for message_id in document["series"]["absent"]:
        console.print(_line(f"  linked as an earlier posting, but not to be had: <{message_id}>"))
    console.print()
    for revision in document["revisions"][-1:]:
        for name, result in revision["stages"].items():
            if result["repeat"]:
                console.print(_line(f"repeat {name}: {result['repeat']}"), soft_wrap=True)


def _revision_notes(revision: Mapping[str, Any]) -> Iterable[str]:
    base = revision["base"]
    if base is not None:
        yield f"base {base['commit'][:12]}: {base['how']}"
    for name, result in revision["stages"].items():
        ref = result["data"].get("ref")
        if ref:
            yield f"applied under {ref}" if name == "apply" else f"{name}: {ref}"
    yield from revision["notes"]
    for extra in revision["extras"]:
        yield f"left out <{extra['message_id']}> {extra['subject']}: {extra['reason']}"
    yield f"signatures: {_signature_summary(revision)}"


def _signature_summary(revision: Mapping[str, Any]) -> str:
    counts: Counter[str] = Counter()
    for patch in revision["patches"]:
        found = patch["attestation"]
        detail = found["identity"] or found["reason"]
        counts[f"{found['status']}{f' ({detail})' if detail else ''}"] += 1
    return ", ".join(f"{n} {what}" for what, n in counts.items()) or "no patch"


def print_list(console: Console, rows: Iterable[Summary]) -> None:
    """Print kept reviews as a list, two lines each."""
    for row in rows:
        head = Text(time.strftime("%Y-%m-%d %H:%M  ", time.localtime(row.at)))
        head.append(f"{clean_text(row.label):<6}")
        head.append(f"{row.verdict:<13}", STYLES[row.verdict])
        head.append(clean_text(row.title).replace("\n", " "))
        console.print(head, no_wrap=True, overflow="ellipsis")
        console.print(_line(f"{'':18}<{row.message_id}>"), soft_wrap=True)


def print_demo_head(console: Console, number: int, count: int, lesson: str) -> None:
    """Print the heading of one series of the demo."""
    console.print()
    console.rule(f"demo {number} of {count}: {lesson}", align="left", characters="=")


def print_applied(console: Console, revision: Mapping[str, Any], branch: str | None) -> None:
    """Print the outcome of applying one revision, and how to look at it."""
    for name, result in revision["stages"].items():
        head = Text.assemble(
            f"{revision['label']} {name}: ", (result["status"], STYLES[result["status"]])
        )
        console.print(head, _block(result["reason"]))
        for finding in result["findings"]:
            _print_finding(console, finding, revision["label"], name)
    base = revision["base"]
    if base is not None:
        console.print(_line(f"base {base['commit'][:12]}: {base['how']}"))
    data = revision["stages"]["apply"]["data"]
    if data.get("commits"):
        console.print(_line(f"{data['commits'][-1]} {data['ref']}"), soft_wrap=True)
        look = f"look: git log --stat {base['commit'][:12]}..{data['ref']}"
        console.print(_line(look), soft_wrap=True)
    if branch:
        switch = f"branch {branch} made; switch to it with: git switch {branch}"
        console.print(_line(switch), soft_wrap=True)


def print_no_branch(
    console: Console, revision: Mapping[str, Any], branch: str, *, applies: bool
) -> None:
    """Say why a tested revision got no branch, and the way to have one all the same."""
    verdict = revision["verdict"]
    console.print(_line(f"no branch {branch}: the verdict is {verdict['status']}, no accept"))
    for reason in verdict["reasons"]:
        console.print(_block(f"  {reason}"))
    if applies:
        console.print(_line("  to make it whatever the stages say: --force"))


def print_checks(console: Console, checks: Iterable[Any], config: str) -> None:
    """Print what `patchbot doctor` found."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("", "found", "for", "to add it"):
        table.add_column(name, overflow="fold")
    for check in checks:
        have = check.found is not None
        word = check.found if have else ("missing" if check.required else "absent")
        style = "green" if have else ("bold red" if check.required else "yellow")
        add = "" if have else check.add
        table.add_row(_line(check.name), _line(word, style), _line(check.needed), _line(add))
    console.print(table)
    console.print(_line(config))

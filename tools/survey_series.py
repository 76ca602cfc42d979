"""Run the static checks on an archive's real series, and list what they introduce.

    python -m tools.survey_series --epoch DIR --tree GIT[=COMMIT] [--tree ...]
        --since 2020-08-01 --until 2020-10-31 [--newer SOURCES] [--known FILE] [--json]

Of every series of the window the last revision is tried on each tree (without a commit, on the
tree's first). It counts as merged where a maintainer has answered so, where later mails name its
patches as commits, or where the newer sources have its lines; as fixed where a later mail has a
`Fixes:` tag for it, or a revert. Only the archive is asked for that: a fix that never went
through this list is not seen.

Nothing is written to the trees. Exit status: 1 where a finding is not in the file of judged ones,
2 for a wrong command line, 4 where it could not run, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from datetime import date
from pathlib import Path
from types import FrameType
from typing import NoReturn

from patchbot.errors import CancelledError, PatchbotError
from patchbot.proc import PROCESSES
from tools.survey.archive import Candidate, Window, read_archive
from tools.survey.check import open_named
from tools.survey.render import Result, render_json, render_table
from tools.survey.run import Surveyed, read_judged, run_survey


def main() -> int:
    """Run the command."""
    options = _parse_options()
    signal.signal(signal.SIGTERM, _stop)
    try:
        result = _survey(options)
    except (KeyboardInterrupt, CancelledError):
        PROCESSES.cancel()
        print("stopped", file=sys.stderr)
        return 130
    except PatchbotError as error:
        print(f"{error}\n  {error.hint}".rstrip(), file=sys.stderr)
        return 4
    print(json.dumps(render_json(result), indent=1) if options.json else render_table(result))
    return int(bool(result.unjudged()))


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epoch", type=Path, required=True, help="bare git of the archive")
    parser.add_argument("--tree", action="append", required=True, help="kernel git tree, =COMMIT")
    parser.add_argument("--since", type=date.fromisoformat, required=True, help="first day")
    parser.add_argument("--until", type=date.fromisoformat, required=True, help="last day")
    parser.add_argument("--newer", type=Path, help="folder of newer kernel sources")
    parser.add_argument("--known", type=Path, help="findings that were judged, in TOML")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _survey(options: argparse.Namespace) -> Result:
    judged = read_judged(options.known) if options.known else {}
    trees = [open_named(text) for text in options.tree]
    window = Window(options.since, options.until)
    mails = read_archive(options.epoch, window, _say)
    surveyed: list[Surveyed] = []
    others: list[Candidate] = []
    with tempfile.TemporaryDirectory(prefix="patchbot-survey-") as folder:
        for each in run_survey(mails, window, trees, Path(folder), options.newer, _say):
            if isinstance(each, Surveyed):
                surveyed.append(each)
            else:
                others.append(each)
    return Result(surveyed, others, judged)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Rows of styled parts, folded to a width in cells, so that nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len, chop_cells

from patchbot.view.reading import Line

Row = tuple[Line, ...]
"""One row of a screen: parts that stand side by side, each in one style."""


def fold_rows(rows: Iterable[Row], width: int) -> list[Row]:
    """Return rows of at most `width` cells (at least 1): what is longer goes on below."""
    return [part for row in rows for part in fold_row(row, max(1, width))]


def fold_row(row: Row, width: int) -> list[Row]:
    """Return one row as one or more of at most `width` cells."""
    if sum(cell_len(part.text) for part in row) <= width:
        return [row]
    folded: list[list[Line]] = [[]]
    room = width
    for part in row:
        for piece in _pieces(part.text, room, width):
            if cell_len(piece) > room and folded[-1]:
                folded.append([])
                room = width
            folded[-1].append(Line(piece, part.style))
            room -= cell_len(piece)
    return [tuple(each) for each in folded]


def _pieces(text: str, room: int, width: int) -> list[str]:
    """Return text in pieces: the first has `room` cells at most, the others `width`.

    A piece ends behind a blank where one stands in its last third, else anywhere.
    """
    pieces, at = [], 0
    while at < len(text):
        piece = chop_cells(text[at : at + room], room)[0] if room > 0 else ""
        if at + len(piece) < len(text) and " " in piece[2 * len(piece) // 3 :]:
            piece = piece[: piece.rindex(" ") + 1]
        if not piece and room == width:  # one letter that is wider than all there is
            piece = text[at]
        pieces.append(piece)
        at, room = at + len(piece), width
    return [each for each in pieces if each]


def pad(text: str, width: int) -> str:
    """Return text with blanks up to `width` cells."""
    return text + " " * (width - cell_len(text))


def plain(rows: Iterable[Row]) -> str:
    """Return rows as text, without the blanks at their ends."""
    return "\n".join("".join(part.text for part in row).rstrip() for row in rows)

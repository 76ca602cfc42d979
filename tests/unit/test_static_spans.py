"""From which line to which something that could not be understood stands."""

from __future__ import annotations

from typing import Any

import pytest
from patchbot_checks import MemorySources, NotUnderstood
from patchbot_checks.program import parse_unit

from patchbot.static.affected import find_spans

PATH = "fs/x.c"
GOOD = "int good(void)\n{\n\treturn 0;\n}\n\n"
ENDLESS = "int lost(void)\n{\n\tif (x) {\n\treturn 0;\n\n"


def spans(text: str, name: str, line: int) -> list[tuple[int, int]]:
    sources: Any = MemorySources({PATH: text.encode()})
    return find_spans(sources, [NotUnderstood(PATH, line, name, "lost")])[PATH, name]


def test_a_function_that_was_parsed_is_known_to_its_end() -> None:
    assert spans(GOOD + GOOD.replace("good", "lost"), "lost", 8) == [(6, 9)]


@pytest.mark.parametrize(
    ("text", "span"), [(GOOD + ENDLESS + GOOD, (6, 10)), (GOOD + ENDLESS, (6, 0))]
)
def test_one_without_an_end_goes_up_to_the_next(text: str, span: tuple[int, int]) -> None:
    """Its name is in no function of the file: that is what the line stands for."""
    unit = parse_unit(PATH, text.encode())
    assert "lost" not in {function.name for function in unit.functions}
    assert spans(text, "lost", 6) == [span]


def test_a_whole_file_and_one_that_is_gone() -> None:
    assert spans(GOOD, "", 1) == [(1, 0)]
    sources: Any = MemorySources({})
    lost = NotUnderstood("fs/none.c", 3, "f", "lost")
    assert find_spans(sources, [lost]) == {("fs/none.c", "f"): [(1, 0)]}

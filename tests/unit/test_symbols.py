"""System.map: which function a name means, and what is said where it means none."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbot.errors import UsageError
from patchbot.qemu.errors import MachineError
from patchbot.qemu.symbols import Place, SymbolError, parse_symbols, read_symbols

MAP = """\
0000000000000000 D __per_cpu_start
0000000000012340 A walnut_percpu
ffffffff81000000 T _text
ffffffff81001000 T walnut_open
ffffffff81001100 t walnut_show
ffffffff81001200 t walnut_show
ffffffff81001300 t walnut_split.isra.0
ffffffff81001400 t walnut_split.part.0
ffffffff81001500 t walnut_close
ffffffff81001500 T walnut_release
ffffffff81001600 t walnut_walk.cold
ffffffff81001700 t walnut_both
ffffffff81001800 t walnut_both.part.0
ffffffff81001900 t walnut_clone.constprop.0.isra.0
ffffffff81001a00 W walnut_weak
ffffffff81200000 D walnut_table
ffffffff81300000 T _sinittext
ffffffff81300100 t walnut_probe
ffffffff81300200 t walnut_late
ffffffff81001b00 t walnut_late
ffffffff81301000 T _einittext
"""


@pytest.mark.parametrize(
    ("symbol", "addresses"),
    [
        ("walnut_open", (0xFFFFFFFF81001000,)),
        ("walnut_close", (0xFFFFFFFF81001500,)),
        ("walnut_weak", (0xFFFFFFFF81001A00,)),
        ("walnut_both", (0xFFFFFFFF81001700,)),
    ],
)
def test_a_plain_name_has_one_place_and_nothing_to_say(
    symbol: str, addresses: tuple[int, ...]
) -> None:
    assert parse_symbols(MAP).find(symbol) == Place(symbol, addresses, (symbol,))


def test_all_static_functions_of_a_name_are_watched_and_said() -> None:
    place = parse_symbols(MAP).find("walnut_show")
    assert place.addresses == (0xFFFFFFFF81001100, 0xFFFFFFFF81001200)
    assert "2 places" in place.said


def test_what_the_compiler_made_of_a_function_is_found_and_said() -> None:
    place = parse_symbols(MAP).find("walnut_split")
    assert place.addresses == (0xFFFFFFFF81001300, 0xFFFFFFFF81001400)
    assert place.spellings == ("walnut_split.isra.0", "walnut_split.part.0")
    assert "walnut_split is walnut_split.isra.0, walnut_split.part.0" in place.said
    assert "a part" in place.said
    twice = parse_symbols(MAP).find("walnut_clone")
    assert twice.said == "walnut_clone is walnut_clone.constprop.0.isra.0 in this kernel"
    assert twice.spellings == ("walnut_clone.constprop.0.isra.0",)


def test_a_spelling_can_be_named_itself() -> None:
    assert parse_symbols(MAP).find("walnut_both.part.0").addresses == (0xFFFFFFFF81001800,)


def test_code_that_is_gone_after_boot_is_never_reached() -> None:
    with pytest.raises(SymbolError, match="while the kernel boots"):
        parse_symbols(MAP).find("walnut_probe")
    assert parse_symbols(MAP).find("walnut_late").addresses == (0xFFFFFFFF81001B00,)


@pytest.mark.parametrize("symbol", ["walnut_table", "walnut_percpu"])
def test_data_is_no_place_to_stop(symbol: str) -> None:
    with pytest.raises(SymbolError, match="data"):
        parse_symbols(MAP).find(symbol)


def test_a_misspelt_name_gets_near_ones() -> None:
    with pytest.raises(SymbolError, match=r"walnut_opne is not in System\.map") as caught:
        parse_symbols(MAP).find("walnut_opne")
    assert "walnut_open" in caught.value.hint
    assert "walnut_table" not in caught.value.hint
    with pytest.raises(SymbolError) as caught:
        parse_symbols(MAP).find("quince")
    assert "calls it" in caught.value.hint


def test_a_function_of_which_only_the_cold_part_is_left() -> None:
    with pytest.raises(SymbolError, match="put it into its callers: only its unlikely part"):
        parse_symbols(MAP).find("walnut_walk")


def test_the_error_is_the_users() -> None:
    assert issubclass(SymbolError, UsageError)


def test_addresses_of_other_symbols() -> None:
    symbols = parse_symbols(MAP)
    assert symbols.address("walnut_table") == 0xFFFFFFFF81200000
    assert symbols.address("walnut_show") is None
    assert symbols.address("quince") is None


@pytest.mark.parametrize("text", ["", "not a map\n", "ffffffff81000000 T\n", "\x7fELF\n"])
def test_what_is_no_map(text: str) -> None:
    with pytest.raises(MachineError, match=r"no symbol"):
        parse_symbols(text)


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="can't be read"):
        read_symbols(tmp_path / "System.map")
    (tmp_path / "System.map").write_text(MAP)
    assert read_symbols(tmp_path / "System.map").address("_text") == 0xFFFFFFFF81000000

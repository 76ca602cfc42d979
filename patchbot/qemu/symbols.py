"""Where a kernel's functions stand: System.map, as `nm -n` wrote it when the kernel was linked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from patchbot.errors import UsageError
from patchbot.qemu.errors import MachineError

_LINE = re.compile(r"(?P<address>[0-9a-f]{1,16}) (?P<kind>[A-Za-z?]) (?P<name>\S+)")
_CODE = frozenset("tTwW")
_CLONE = re.compile(r"(?:\.(?:isra|constprop|part)\.\d+)+")
_REMAINS = re.compile(r"\.cold(?:\.\d+)?")
_MAX_MAP = 64 << 20
_NEAR = 4


class SymbolError(UsageError):
    """A symbol names no function at which a thread can be stopped."""


@dataclass(frozen=True, slots=True)
class Place:
    """A function of the kernel: the name that was asked for, and all addresses it has.

    `spellings` are the names in System.map; `said` tells in words where these are not simply the
    one name at one address, else it is empty.
    """

    symbol: str
    addresses: tuple[int, ...]
    spellings: tuple[str, ...]
    said: str = ""


class SymbolMap:
    """The symbols of one kernel; `source` is what errors call it."""

    def __init__(self, symbols: Mapping[str, tuple[tuple[int, str], ...]], source: str) -> None:
        self._symbols = symbols
        self._source = source

    def find(self, symbol: str) -> Place:
        """Return where a function begins, in each of its copies; raises `SymbolError`.

        A function that the compiler changed (`foo.isra.0`, `foo.constprop.0`, `foo.part.0`) is
        found by its plain name.
        """
        names = [symbol] if symbol in self._symbols else list(self._clones(symbol))
        if not names:
            raise self._unknown(symbol)
        addresses = self._code(symbol, names)
        return Place(symbol, addresses, tuple(names), _explain(symbol, names, len(addresses)))

    def has_function(self, symbol: str) -> bool:
        """Return whether a thread can be stopped at a symbol."""
        names = [symbol] if symbol in self._symbols else list(self._clones(symbol))
        found = [each for name in names for each in self._symbols[name]]
        return any(kind in _CODE and not self._is_init(address) for address, kind in found)

    def address(self, symbol: str) -> int | None:
        """Return the address of a symbol of any kind, None where it has none or several."""
        found = self._symbols.get(symbol, ())
        return found[0][0] if len(found) == 1 else None

    def _clones(self, symbol: str) -> Iterator[str]:
        for name in self._symbols:
            if name.startswith(symbol) and _CLONE.fullmatch(name, len(symbol)):
                yield name

    def _code(self, symbol: str, names: list[str]) -> tuple[int, ...]:
        """Return the addresses of these names that can be reached once the kernel is up."""
        found = [each for name in names for each in self._symbols[name]]
        code = {address for address, kind in found if kind in _CODE}
        if not code:
            raise SymbolError(f"{symbol} is data, not a function", hint="name a function")
        kept = {address for address in code if not self._is_init(address)}
        if not kept:
            raise SymbolError(
                f"{symbol} runs only while the kernel boots", hint="name a function that runs later"
            )
        return tuple(sorted(kept))

    def _is_init(self, address: int) -> bool:
        start, end = self.address("_sinittext"), self.address("_einittext")
        return start is not None and end is not None and start <= address < end

    def _unknown(self, symbol: str) -> SymbolError:
        near = self._near(symbol)
        hint = f"near names: {', '.join(near)}" if near else "name a function that calls it"
        if any(_REMAINS.fullmatch(name, len(symbol)) for name in self._starting(symbol)):
            why = "the compiler put it into its callers: only its unlikely part is left"
        else:
            why = "the name is wrong, it is not built in, or the compiler put it into its callers"
        return SymbolError(f"{symbol} is not in {self._source}: {why}", hint=hint)

    def _starting(self, symbol: str) -> list[str]:
        return [name for name in self._symbols if name.startswith(symbol)]

    def _near(self, symbol: str) -> list[str]:
        names = {
            _CLONE.sub("", name)
            for name, places in self._symbols.items()
            if not _REMAINS.search(name) and any(kind in _CODE for _, kind in places)
        }
        return difflib.get_close_matches(symbol, sorted(names), _NEAR, 0.75)


def _explain(symbol: str, names: list[str], places: int) -> str:
    if names != [symbol]:
        part = ", where a part can be all that is left" if any(".part." in n for n in names) else ""
        return f"{symbol} is {', '.join(names)} in this kernel{part}"
    return f"{symbol} has {places} places in this kernel, all are watched" if places > 1 else ""


def read_symbols(path: Path) -> SymbolMap:
    """Read a System.map file; raises `MachineError` where it is absent or another file."""
    try:
        if path.stat().st_size > _MAX_MAP:
            raise MachineError(f"{path} is too large for a System.map")
        text = path.read_text("ascii", "replace")
    except OSError as error:
        hint = "build the kernel again, System.map comes with it"
        raise MachineError(f"{path} can't be read: {error.strerror}", hint=hint) from error
    return parse_symbols(text, str(path))


def parse_symbols(text: str, source: str = "System.map") -> SymbolMap:
    """Read the text of a System.map; raises `MachineError` where a line is no symbol. Pure."""
    found: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise MachineError(f"{source}: line {number} is no symbol: {line[:60]!r}")
        found.setdefault(match["name"], []).append((int(match["address"], 16), match["kind"]))
    if not found:
        raise MachineError(f"{source} has no symbols", hint="build the kernel again")
    return SymbolMap({name: tuple(places) for name, places in found.items()}, source)

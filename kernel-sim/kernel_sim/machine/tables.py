"""The tables of a program as assembler: functions, sites, variables, and the values of symbols.

The directives are those of the GNU assembler for any processor of 64 bits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from kernel_sim import ir
from kernel_sim.machine.runtime import MAX_DEPTH

_BYTES_A_LINE = 256
_NONE = 0xFFFFFFFF
"""SIM_NONE of `sim.h`."""


@cache
def symbol(kind: str, name: str) -> str:
    """Return the symbol for a name in the program.

    `kind` is f for a function's code, s for its sites, a for its address, g for a variable.
    """
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{kind}_{re.sub(r'[^0-9A-Za-z]', '_', name)[-60:]}_{digest}"


def name_globals(program: ir.Program) -> list[str]:
    """Return a symbol for each variable, in order; constants without a name are told by value."""
    taken: dict[str, int] = {}
    names = []
    for entry in program.globals:
        name = symbol("g", entry.name) if entry.name else symbol("g", f" {entry.image.hex()}")
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name}_{taken[name]}")
    return names


def render_tables(
    program: ir.Program, sites: Mapping[str, Sequence[int]], roles: Mapping[str, str | None]
) -> str:
    """Return the text of what `sim.h` wants of a program, and of the symbols that `emit` uses.

    `sites` has the lines of each function, in order, by its name; `roles` the functions (None for
    none) of sim_setup and sim_check.
    """
    numbers = {name: number for number, name in enumerate(program.functions)}
    lines = [
        *_symbols(program, sites),
        ".section .rodata",
        *_functions(program),
        *_sites(numbers, sites),
        *_globals(program),
        *_words("sim_addresses", [numbers.get(name, _NONE) for name in program.addresses]),
        *_counts(program, sites),
        *_words("sim_depth_limit", [MAX_DEPTH]),
    ]
    for role, name in roles.items():
        lines += _words(f"sim_{role}", [_NONE if name is None else numbers[name]])
    return "\n".join([*lines, '.section .note.GNU-stack,"",%progbits', ""])


def _symbols(program: ir.Program, sites: Mapping[str, Sequence[int]]) -> Iterator[str]:
    values: dict[str, int] = {}
    first = 0
    for name, lines in sites.items():
        values[symbol("s", name)] = first
        first += len(lines)
    for name, entry in zip(name_globals(program), program.globals, strict=True):
        values[name] = entry.address
    for number, name in enumerate(program.addresses):
        values.setdefault(symbol("a", name), ir.FUNCTIONS + number * ir.FUNCTION_STRIDE)
    for name, value in values.items():
        yield f".globl {name}\n.set {name}, {value:#x}"


def _functions(program: ir.Program) -> Iterator[str]:
    yield from _label("sim_functions")
    texts: dict[str, int] = {}
    for function in program.functions.values():
        name, path = (texts.setdefault(x, len(texts)) for x in (function.name, function.path))
        yield f".quad .Lt{name}, .Lt{path}\n.long {function.line}, {function.parameters}"
        yield f".quad {symbol('f', function.name)}"
    yield ".zero 32"
    yield from (f".Lt{number}: .asciz {c_string(text)}" for text, number in texts.items())


def _sites(numbers: Mapping[str, int], sites: Mapping[str, Sequence[int]]) -> Iterator[str]:
    yield from _label("sim_sites")
    for name, lines in sites.items():
        yield from (f".long {numbers[name]}, {line}" for line in lines)
    yield ".zero 8"


def _globals(program: ir.Program) -> Iterator[str]:
    images = [entry.image.rstrip(b"\0") for entry in program.globals]
    yield from _label("sim_globals")
    for number, (entry, image) in enumerate(zip(program.globals, images, strict=True)):
        where = f".Li{number}" if image else "0"
        yield f".quad {entry.address:#x}, {len(entry.image)}, {where}"
        yield f".long {len(image)}, {int(entry.writable)}"
    yield ".zero 32"
    for number, image in enumerate(images):
        if image:
            yield f".Li{number}:"
            for at in range(0, len(image), _BYTES_A_LINE):
                yield f".byte {','.join(map(str, image[at : at + _BYTES_A_LINE]))}"


def _counts(program: ir.Program, sites: Mapping[str, Sequence[int]]) -> Iterator[str]:
    yield from _words("sim_function_count", [len(program.functions)])
    yield from _words("sim_site_count", [sum(map(len, sites.values()))])
    yield from _words("sim_global_count", [len(program.globals)])
    yield from _words("sim_address_count", [len(program.addresses)])


def _words(name: str, values: Sequence[int]) -> Iterator[str]:
    yield from _label(name)
    yield from (f".long {value:#x}" for value in [*values, 0])


def _label(name: str) -> Iterator[str]:
    yield f".balign 16\n.globl {name}\n{name}:"


def c_string(text: str) -> str:
    """A C string literal of the text's UTF-8 bytes, whatever they are."""
    safe = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "replace")
    )
    return f'"{safe}"'

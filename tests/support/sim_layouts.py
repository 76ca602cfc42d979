"""The layout of every struct, union and enum of a preprocessed file: the simulator's and gcc's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kernel_sim.cfront.ctype import Struct, Untranslatable, align_of, size_of
from kernel_sim.cfront.linking import Linker
from kernel_sim.cfront.statements import Lowering
from kernel_sim.cfront.unit import Spot, Unit

from tests.support.require import require

_FLAGS = (
    "-std=gnu11", "-w", "-O0", "-fno-builtin", "-fms-extensions", "-fshort-wchar",
    "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections",
    "-Wl,--unresolved-symbols=ignore-all",
)  # fmt: skip
_BIT_FIELD = """{{ static union {{ {owner} s; unsigned char b[sizeof({owner})]; }} x;
x.s.{name} = -1; int first = -1, n = 0; for (unsigned long i = 0; i < sizeof(x.b) * 8; i++)
if (x.b[i / 8] >> (i % 8) & 1) {{ if (first < 0) first = i; n++; }} printf("%d %d\\n", first, n); }}
"""


@dataclass(slots=True)
class Layouts:
    """What the simulator thinks.

    `values` go from a C expression (a size, an alignment or an offset, in bytes) to its value;
    `bits` have (type, path of a bit-field, first bit in the type, width); `unread` are tags whose
    layout is not understood, with the reason.
    """

    values: dict[str, int] = field(default_factory=dict)
    bits: list[tuple[str, str, int, int]] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def layouts_of(unit: Unit) -> Layouts:
    """Return the layouts of all tags of a unit's file scope."""
    found, scope = Layouts(), Linker([unit]).file_scope(unit)
    for kind, tag in sorted(unit.tags):
        try:
            _add(found, scope, unit, f"{kind} {tag}", unit.tags[kind, tag])
        except Untranslatable as error:
            found.unread[tag] = str(error)
    return found


def _add(found: Layouts, scope: Lowering, unit: Unit, name: str, at: Spot) -> None:
    kind, _, tag = name.partition(" ")
    ctype = scope.specifier(unit.specifier_at(at)) if kind == "enum" else scope._tagged(kind, tag)
    found.values[f"sizeof({name})"] = size_of(ctype)
    found.values[f"_Alignof({name})"] = align_of(ctype)
    if isinstance(ctype, Struct):
        for path, offset, bit, width in _members(ctype, 0, ""):
            if width is not None:
                found.bits.append((name, path, offset * 8 + bit, width))
            else:
                found.values[f"__builtin_offsetof({name}, {path})"] = offset


def _members(struct: Struct, base: int, prefix: str) -> Iterator[tuple[str, int, int, int | None]]:
    """Yield (path, offset in bytes, bit, width or None), into structs that have no tag as well."""
    for member in struct.members():
        offset = base + member.offset
        if member.name:
            yield prefix + member.name, offset, member.bit, member.width
        if isinstance(member.type, Struct) and member.type.tag == "(anonymous)":
            inner = f"{prefix}{member.name}." if member.name else prefix
            yield from _members(member.type, offset, inner)


def differences(text: str, found: Layouts, folder: Path) -> list[str]:
    """Compile the text with a main that prints what gcc thinks; return what is not the same."""
    values = "".join(f'printf("%lu\\n", (unsigned long){one});\n' for one in found.values)
    bits = "".join(_BIT_FIELD.format(owner=one[0], name=one[1]) for one in found.bits)
    source, program = folder / "layouts.c", folder / "layouts"
    head = "int printf(const char *, ...);\nint main(void) {\n"
    source.write_text(f"{text}\n{head}{values}{bits}return 0; }}\n")
    command = [str(require("gcc")), *_FLAGS, "-o", str(program), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    said = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    ours = [f"{value}" for value in found.values.values()]
    ours += [f"{first} {width}" for _, _, first, width in found.bits]
    names = [*found.values, *(f"{owner}.{path}" for owner, path, _, _ in found.bits)]
    return [
        f"{name}: {one}, gcc says {other}"
        for name, one, other in zip(names, ours, said, strict=True)
        if one != other
    ]

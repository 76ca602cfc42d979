"""What a preprocessor is told: folders of headers in order, macros, and the first includes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

ARCH = Path(__file__).resolve().parents[1] / "arch/include"
"""The simulator's own headers."""
FREESTANDING = ARCH.parent / "freestanding"
"""The headers that every C compiler brings, as far as kernels use them."""

PREDEFINED = {
    "__GNUC__": "12", "__GNUC_MINOR__": "2", "__GNUC_PATCHLEVEL__": "0", "__VERSION__": '"12.2.0"',
    "__CHAR_BIT__": "8", "__LP64__": "1", "_LP64": "1", "__KERNEL__": "1", "__linux__": "1",
    "__SIZEOF_INT__": "4", "__SIZEOF_LONG__": "8", "__SIZEOF_LONG_LONG__": "8",
    "__SIZEOF_POINTER__": "8", "__SIZEOF_SIZE_T__": "8", "__SIZE_TYPE__": "unsigned long",
    "__PTRDIFF_TYPE__": "long", "__INT_MAX__": "2147483647",
    "__LONG_MAX__": "9223372036854775807L", "__LONG_LONG_MAX__": "9223372036854775807LL",
    "__SCHAR_MAX__": "127", "__SHRT_MAX__": "32767", "__ORDER_LITTLE_ENDIAN__": "1234",
    "__ORDER_BIG_ENDIAN__": "4321", "__BYTE_ORDER__": "1234", "__DISABLE_EXPORTS": "1",
    "__INT8_TYPE__": "signed char", "__INT16_TYPE__": "short", "__INT32_TYPE__": "int",
    "__INT64_TYPE__": "long", "__UINT8_TYPE__": "unsigned char",
    "__UINT16_TYPE__": "unsigned short", "__UINT32_TYPE__": "unsigned int",
    "__UINT64_TYPE__": "unsigned long", "__UINTPTR_TYPE__": "unsigned long",
    "__INTPTR_TYPE__": "long", "__WCHAR_TYPE__": "unsigned short",
}  # fmt: skip
"""The compiler's own macros: these and no others, so that every host gives the same text."""


def arguments_for(tree: Path, cache: Path, path: str) -> list[str]:
    """What a preprocessor is told for a file: folders of headers, macros, first includes."""
    name = re.sub(r"\W", "_", Path(path).stem)
    folders = [ARCH, cache, tree / "include", cache / "uapi"]
    folders += [tree / "include/uapi", cache / "generated/uapi", FREESTANDING]
    first = ["asm/sim.h", "generated/sim-tree.h", "linux/kconfig.h"]
    first += ["linux/compiler_types.h", "asm/sim-after.h"]
    macros = PREDEFINED | {"KBUILD_MODNAME": f'"{name}"', "KBUILD_BASENAME": f'"{name}"'}
    macros |= {"KBUILD_MODFILE": f'"{name}"', "__KBUILD_MODNAME": f"kmod_{name}"}
    return [*_render(macros, folders), *(part for header in first for part in ("-include", header))]


def model_arguments(folder: Path) -> list[str]:
    """The same for a tree that brings its own headers in include/ and needs no others."""
    return _render(PREDEFINED, [folder / "include", FREESTANDING])


def _render(macros: Mapping[str, str], folders: Sequence[Path]) -> list[str]:
    return [
        "-undef",
        *(f"-D{macro}={value}" for macro, value in macros.items()),
        *(part for folder in folders for part in ("-I", str(folder))),
    ]

"""The headers that a build would generate, made from a tree's files without running any of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from kernel_sim.cfront.errors import TreeError

MAX_HEADER = 4 << 20
"""Bytes of a tree's file that is read here; a longer one is refused."""

NEWER = (
    ("SIM_MKWRITE_ONE_ARGUMENT", "include/linux/pgtable.h", "pte_mkwrite_novma"),
    ("SIM_SEGMENTS", "include/linux/uaccess.h", "CONFIG_SET_FS"),
    ("SIM_MK_PTE", "include/linux/mm.h", "pte_t mk_pte"),
)
"""(macro, header, word): the macro is set where the tree's header does not have the word yet."""


def read_config(text: str) -> dict[str, str]:
    """The symbols of a `kernel.config`, with their values as they are written there.

    Raises TreeError for a line that is neither empty, a comment, nor CONFIG_NAME=value.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        matched = re.fullmatch(r'(CONFIG_\w+)=(y|-?\d+|0x[0-9a-f]+|"[^"\\]*")', line)
        if matched is None:
            raise TreeError(f"kernel.config, line {number}: not a symbol and its value: {line!r}")
        found[matched[1]] = matched[2]
    return found


def render_autoconf(config: Mapping[str, str]) -> str:
    """The text of include/generated/autoconf.h: one #define a symbol, 1 for y."""
    return "".join(
        f"#define {name} {'1' if value == 'y' else value}\n" for name, value in config.items()
    )


def kernel_version(makefile: str) -> tuple[int, int, int, str]:
    """Version, patch level, sublevel and extra version of a tree's top Makefile.

    Raises TreeError where it does not give the first two as numbers.
    """
    named = re.findall(
        r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)", makefile, re.M
    )
    found = dict(named)
    try:
        major, minor = int(found["VERSION"]), int(found["PATCHLEVEL"])
        return major, minor, int(found.get("SUBLEVEL") or "0"), found.get("EXTRAVERSION", "")
    except (KeyError, ValueError):
        raise TreeError("Makefile: it does not name the kernel's version") from None


def render_version(makefile: str) -> dict[str, str]:
    """version.h, utsrelease.h and compile.h of a tree with this Makefile, by path."""
    major, minor, sub, extra = kernel_version(makefile)
    code = (major << 16) + (minor << 8) + min(sub, 255)
    version = (
        f"#define LINUX_VERSION_CODE {code}\n"
        "#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))\n"
        f"#define LINUX_VERSION_MAJOR {major}\n#define LINUX_VERSION_PATCHLEVEL {minor}\n"
        f"#define LINUX_VERSION_SUBLEVEL {sub}\n"
    )
    release = re.sub(r"[^\w.+-]", "", f"{major}.{minor}.{sub}{extra}")
    return {
        "generated/uapi/linux/version.h": version,
        "linux/version.h": "#include <generated/uapi/linux/version.h>\n",
        "generated/utsrelease.h": f'#define UTS_RELEASE "{release}-sim"\n',
        "generated/compile.h": '#define UTS_MACHINE "sim"\n#define UTS_VERSION "#1"\n',
        "generated/utsversion.h": '#define UTS_VERSION "#1"\n',
    }


def scale_factor(to: int, of: int) -> tuple[int, int, int]:
    """(multiplier, adjustment, shift) with n * to / of == (n * multiplier + adjustment) >> shift.

    The multiplier is rounded up and has 32 bits; the adjustment rounds the quotient up.
    """
    shift = 0
    while ((to << shift) + of - 1) // of < 1 << 31:
        shift += 1
    divisor = of // _common(to, of)
    return ((to << shift) + of - 1) // of, ((divisor - 1) << shift) // divisor, shift


def _common(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return a


def render_timeconst(hz: int) -> str:
    """The text of timeconst.h: constants that turn ticks at `hz` a second into time and back."""
    lines = ["#include <linux/param.h>", "#include <linux/types.h>"]
    for unit, per_second in (("MSEC", 1000), ("USEC", 1000000)):
        for name, to, of in ((f"HZ_TO_{unit}", per_second, hz), (f"{unit}_TO_HZ", hz, per_second)):
            multiplier, adjustment, shift = scale_factor(to, of)
            lines.append(f"#define {name}_MUL32 U64_C({multiplier:#x})")
            lines.append(f"#define {name}_ADJ32 U64_C({adjustment:#x})")
            lines.append(f"#define {name}_SHR32 {shift}")
    for unit, per_second in (("MSEC", 1000), ("USEC", 1000000), ("NSEC", 1000000000)):
        common = _common(hz, per_second)
        for name, number in (
            (f"HZ_TO_{unit}_NUM", per_second), (f"HZ_TO_{unit}_DEN", hz),
            (f"{unit}_TO_HZ_NUM", hz), (f"{unit}_TO_HZ_DEN", per_second),
        ):  # fmt: skip
            lines.append(f"#define {name} {number // common}")
    return "\n".join(lines) + "\n"


def enumerator(text: str, name: str) -> int:
    """The value of an enumerator in preprocessed C; values are counted, or name earlier ones.

    Raises TreeError where no enum has it, or a value before it is more than a name or a number.
    """
    for body in re.findall(r"\benum\b[^;{}()]*\{([^{}]*\b" + name + r"\b[^{}]*)\}", text):
        return _count(body, name)
    raise TreeError(f"no enum has {name}")


def _count(body: str, name: str) -> int:
    values: dict[str, int] = {}
    following = 0
    for item in re.sub(r"^#.*$", "", body, flags=re.M).split(","):
        own, _, given = (part.strip() for part in item.partition("="))
        if given:
            try:
                following = values[given] if given in values else int(given, 0)
            except ValueError:
                raise TreeError(f"the value of {own} cannot be counted: {given[:80]}") from None
        values[own] = following
        following += 1
        if own == name:
            return values[own]
    raise TreeError(f"the enum of {name} cannot be counted")


def render_bounds(text: str, config: Mapping[str, str]) -> str:
    """The text of bounds.h, from the preprocessed text of what kernel/bounds.c includes."""
    flags = enumerator(text, "__NR_PAGEFLAGS")
    zones = enumerator(text, "__MAX_NR_ZONES")
    bits = (int(config["CONFIG_NR_CPUS"]) - 1).bit_length()
    return (
        f"#define NR_PAGEFLAGS {flags}\n#define MAX_NR_ZONES {zones}\n"
        f"#define NR_CPUS_BITS {bits}\n#define SPINLOCK_SIZE 8\n"
        "#define LRU_GEN_WIDTH 0\n#define __LRU_REFS_WIDTH 0\n"
    )


def wrappers(tree: Path, own: Iterable[str]) -> dict[str, str]:
    """asm/x.h and uapi/asm/x.h that include the tree's asm-generic/x.h, where x is not our own.

    More than the lists of its Kbuild files: all that the tree has there.
    """
    kept = set(own)
    found: dict[str, str] = {}
    for folder, place in (("include/uapi/asm-generic", "uapi/"), ("include/asm-generic", "")):
        for header in sorted((tree / folder).glob("*.h")):
            if header.name not in kept:
                found[f"asm/{header.name}"] = f"#include <asm-generic/{header.name}>\n"
            if place:
                found[f"uapi/asm/{header.name}"] = f"#include <uapi/asm-generic/{header.name}>\n"
    return found


def probe(tree: Path) -> str:
    """The text of generated/sim-tree.h: which spelling this tree wants of what changed."""
    lines = [
        f"#define {macro} 1\n"
        for macro, header, word in NEWER
        if not re.search(rf"\b{word}\b", read_small(tree / header))
    ]
    return "".join(lines)


def read_small(path: Path) -> str:
    """A file of the tree as text; "" where it has none. Raises TreeError where it is too long."""
    if not path.is_file():
        return ""
    if path.stat().st_size > MAX_HEADER:
        raise TreeError(f"{path}: more than {MAX_HEADER} bytes")
    return path.read_text(encoding="utf-8", errors="replace")

"""Bring kernel C into a form that tree-sitter parses, without moving a single byte.

Every change replaces bytes by as many others, and keeps line breaks, so that all positions hold.
What is changed: comments and preprocessor lines become blanks; of `#if` groups one arm is kept;
attribute-like macros become blanks, and so do definitions of trace events, which hold no function;
loop macros become `while`; types that stand as arguments of a macro become plain names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from patchbot_checks.csource.conditional import Groups, find_groups

_COMMENT = re.compile(
    rb"/\*.*?(?:\*/|\Z)|//(?:\\\r?\n|[^\n])*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S
)
_DIRECTIVE = re.compile(rb"^[ \t]*#(?:\\\r?\n|[^\n])*", re.M)
_DEFINE = re.compile(rb"[ \t]*#[ \t]*define[ \t]+(\w+)(\([^()]*\))?(.*)", re.S)
_INCLUDE = re.compile(rb'[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]')
_ATTRIBUTE = re.compile(
    rb"\b(?:__(?:init|exit|initdata|exitdata|initconst|user|kernel|iomem|percpu|rcu|force|bitwise|"
    rb"must_check|always_inline|maybe_unused|always_unused|cold|hot|malloc|pure|deprecated|weak|"
    rb"ref|refdata|read_mostly|ro_after_init|sched|cpuinit|meminit|latent_entropy|noreturn|"
    rb"visible|used|unused|packed|no_sanitize_memory|no_kcsan|no_kasan_or_inline|private|safe|"
    rb"nocast|counted_by_ptr|nonstring|no_randomize_layout|randomize_layout|printf_like|"
    rb"cacheline_aligned|cacheline_aligned_in_smp|net_init|net_exit|bpf_kfunc|noclone|"
    rb"no_sanitize_address|nocfi|page_aligned_bss|page_aligned_data|"
    rb"rcu_read_mostly)|"
    rb"____cacheline_aligned(?:_in_smp)?|asmlinkage|notrace|noinline(?:_for_stack|_for_tracing)?|"
    rb"__?noinline|__no_kmsan_checks|fallthrough_macro|__pure2|__capability|"
    rb"__context_unsafe|noinstr|__visible|randomized_struct_fields_(?:start|end))\b"
    rb"|\b(?:__acquires(?:_shared)?|__releases(?:_shared)?|__must_hold(?:_shared)?|__cond_acquires|"
    rb"__cond_releases|__printf|__scanf|__section|__aligned|__counted_by(?:_le|_be)?|__guarded_by|"
    rb"__free|__cleanup|__no_context_analysis|__alloc_size|__realloc_size|__attribute_const__|"
    rb"__nonnull|__alias|__attribute__|__diagnose_as)[ \t]*+\("
    rb"(?:[^()]|\((?:[^()]|\([^()]{0,200}+\)){0,200}+\)){0,400}+\)"
)
_STATIC_MACRO = re.compile(rb"\bstatic([ \t]+(?:DEFINE|DECLARE)_\w+[ \t]*\()")
_LOOP = re.compile(rb"\b(\w*(?:for_each|_foreach|FOREACH|FOR_EACH)\w*)[ \t]*\(")
_TYPE_WORDS = (
    rb"(?:(?:const|volatile)\s++)*+(?:(?:struct|union|enum)\s++\w++|"
    rb"(?:(?:unsigned|signed|long|short|int|char|bool|void|float|double)\b\s*+)++)"
)
_TYPE_ARGUMENT = re.compile(rb"(?<=,)(\s*+)(" + _TYPE_WORDS + rb")(\s*+\**+\s*+)(?=[,)])")
_TYPE_FIRST = re.compile(
    rb"\b(?!if\b|while\b)"
    rb"(\w*_t|offsetof|sizeof_field|offsetofend|\w+_entry\w*|container_of\w*|DECLARE_\w+|DEFINE_\w+|kmalloc\w*|kzalloc\w*|"
    rb"KMEM_CACHE\w*|static_assert|min|max|alloc_percpu|per_cpu_ptr|typecheck|ACCESS_PRIVATE|"
    rb"__class_\w+|struct_size_t|offset_in_thp|round_up|kvmalloc\w*)"
    rb"(\(\s*+)(" + _TYPE_WORDS + rb")(\s*+\**+\s*+)(?=[,)])"
)
_TOP_MACRO = re.compile(
    rb"^(?!(?:if|for|while|switch|return|do|else)\b)[A-Za-z_]\w*"
    rb"\([^;{}]{0,2000}?\)[ \t]*+(?=\n(?!\s*+\{))",
    re.M,
)
_TRACE_EVENT = re.compile(rb"^(?:DECLARE_EVENT_CLASS|(?:TRACE|DEFINE)_EVENT\w*+)[ \t]*+\(", re.M)
_PADDING = re.compile(rb"(?<=;)(\s*+)([A-Z_][A-Z0-9_]*+)(?=\s*+\})")
_SYSCALL = re.compile(rb"^(\w*SYSCALL_DEFINE\d\()([^;{}()]{1,900})\)(?=\s*+\{)", re.M)
_CASE_RANGE = re.compile(rb"\bcase\b([^:;\n?]{0,200}?)(\.\.\.[^:;\n]{0,200}+):")
_INDEX_RANGE = re.compile(rb"(\[[^\[\]\n]{0,200}?)(\.\.\.[^\[\]\n]{0,200}+)\]")
_PARENTHESIS = re.compile(rb"[()]|\"(?:\\.|[^\"\\\n])*+\"")
_MAX_EVENT = 20_000


@dataclass(frozen=True, slots=True)
class Macro:
    """One `#define`: `parameters` is None for an object-like one; `offset` is that of `body`."""

    name: str
    parameters: tuple[str, ...] | None
    body: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class Include:
    """One `#include`; `line` counts from 1, `system` is whether it is written with <>."""

    path: str
    system: bool
    line: int
    guarded: bool


@dataclass(slots=True)
class Prepared:
    """The text of one configuration of a file, as long as the file.

    `loops` gives for the offset of a `while` the loop macro that stood there. `kept` is a set of
    arms, by which two configurations can be told apart.
    """

    text: bytes
    loops: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Lexed:
    """A file without comments and directives, but with all arms of its `#if` groups."""

    bare: bytes
    groups: Groups
    macros: list[Macro]
    includes: list[Include]


def lex(data: bytes) -> Lexed:
    """Split a file into bare code and what its directives say."""
    code = _COMMENT.sub(_blank_comment, data)
    groups = find_groups(code)
    macros: list[Macro] = []
    includes: list[Include] = []

    def directive(match: re.Match[bytes]) -> bytes:
        line = match.group()
        if found := _DEFINE.match(line):
            macros.append(_macro(found, match.start()))
        elif found := _INCLUDE.match(data, match.start()):
            number = data.count(b"\n", 0, match.start()) + 1
            name = found.group(2).decode("utf-8", "replace")
            guarded = groups.is_inside(match.start())
            includes.append(Include(name, found.group(1) == b"<", number, guarded))
        return _blank(line)

    bare = _DIRECTIVE.sub(directive, code).replace(b"\r", b" ").replace(b"\f", b" ")
    return Lexed(bare, groups, macros, includes)


def prepare(lexed: Lexed, *, defined: bool) -> Prepared:
    """Return the text of one configuration: every asked symbol is defined, or none is."""
    text = lexed.groups.select(lexed.bare, defined=defined)
    text = _ATTRIBUTE.sub(_blank_match, text)
    text = _STATIC_MACRO.sub(rb"      \1", text)
    if b"SYSCALL_DEFINE" in text:
        text = _SYSCALL.sub(_syscall, text)
    text = _TYPE_ARGUMENT.sub(_type_argument, text)
    text = _TYPE_FIRST.sub(_type_first, text)
    text = _TOP_MACRO.sub(_blank_match, _blank_trace_events(text))
    text = _PADDING.sub(_blank_second, text)
    if b"..." in text:
        text = _CASE_RANGE.sub(_blank_second, text)
        text = _INDEX_RANGE.sub(_blank_second, text)
    loops: dict[int, str] = {}
    text = _LOOP.sub(lambda match: _loop(match, loops), text)
    return Prepared(text, loops)


def _blank(raw: bytes) -> bytes:
    if b"\n" not in raw:
        return b" " * len(raw)
    return b"\n".join(b" " * len(part) for part in raw.split(b"\n"))


def _blank_match(match: re.Match[bytes]) -> bytes:
    return _blank(match.group())


def _blank_comment(match: re.Match[bytes]) -> bytes:
    raw = match.group()
    return raw if raw[:1] in (b'"', b"'") else _blank(raw)


def _blank_second(match: re.Match[bytes]) -> bytes:
    whole, start = match.group(), match.start()
    head, tail = match.start(2) - start, match.end(2) - start
    return whole[:head] + _blank(whole[head:tail]) + whole[tail:]


def _name_of(raw: bytes) -> bytes:
    """Turn the words of a type into one name of the same length."""
    stripped = raw.rstrip()
    name = re.sub(rb"\s", b"_", stripped)
    if b"_" not in name:  # a lone keyword, such as int
        name = name[:1].upper() + name[1:]
    return name + raw[len(stripped) :]


def _type_argument(match: re.Match[bytes]) -> bytes:
    lead, words, stars = match.groups()
    return lead + _name_of(words) + _blank(stars)


def _type_first(match: re.Match[bytes]) -> bytes:
    name, opening, words, stars = match.groups()
    if name == b"offsetof":  # tree-sitter has a grammar of its own for it, too narrow
        name = b"Offsetof"
    return name + opening + _name_of(words) + _blank(stars)


def _syscall(match: re.Match[bytes]) -> bytes:
    """Make the head of a function of a system call's definition: its commas alternate."""
    head, inner = match.groups()
    if b"," not in inner:
        return b"long".ljust(len(head) - 1) + inner + b"()"
    out = bytearray(inner)
    commas = [i for i, c in enumerate(inner) if c == ord(",")]
    for number, at in enumerate(commas):
        out[at] = ord("(") if number == 0 else (ord(" ") if number % 2 else ord(","))
    return b"long".ljust(len(head)) + bytes(out) + b")"


def _loop(match: re.Match[bytes], loops: dict[int, str]) -> bytes:
    """Make `while` of a loop macro's name, unless it is called or declared as a function."""
    text, start, name = match.string, match.start(1), match.group(1)
    line = max(text.rfind(b"\n", 0, start) + 1, start - 200)
    before = text[line:start].strip()
    if len(name) < 5 or line == start:
        return match.group()
    if before and before[-1:] not in b"{};):" and not before.endswith((b"else", b"do")):
        return match.group()
    end = _closing(text, match.end() - 1)
    rest = text[end + 1 : end + 400].lstrip()
    if end < 0 or rest[:1] in (b";", b",", b")"):
        return match.group()
    loops[start] = name.decode()
    return b"while".ljust(len(name)) + match.group()[len(name) :]


def _blank_trace_events(text: bytes) -> bytes:
    """Blank each definition of a trace event: its arguments are statements, which no C has."""
    out: list[bytes] = []
    done = 0
    for match in _TRACE_EVENT.finditer(text):
        end = _closing(text, match.end() - 1, _MAX_EVENT) if match.start() >= done else -1
        if end >= 0:
            out += [text[done : match.start()], _blank(text[match.start() : end + 1])]
            done = end + 1
    return b"".join([*out, text[done:]])


def _closing(text: bytes, opening: int, most: int = 4000) -> int:
    depth = 0
    for match in _PARENTHESIS.finditer(text, opening, opening + most):
        depth += {b"(": 1, b")": -1}.get(match.group(), 0)
        if depth == 0:
            return match.start()
    return -1


def _macro(found: re.Match[bytes], start: int) -> Macro:
    parameters = found.group(2)
    names = None
    if parameters is not None:
        words = parameters[1:-1].decode("utf-8", "replace").split(",")
        names = tuple(word.strip() for word in words if word.strip())
    return Macro(
        found.group(1).decode("utf-8", "replace"), names, found.group(3), start + found.start(3)
    )

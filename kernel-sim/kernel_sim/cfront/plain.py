"""From preprocessed GNU C to text that tree-sitter's C grammar parses, line for line.

What is rewritten, and what the front end then finds in the tree:

- `typeof(X)`: the type name `__typeof_N`, with X in `Plain.types[N]` (rewritten itself);
- `_Alignof(X)`: `_Alignof(__typeof_N)`, in the same way;
- `case A ... B:`: `case __case_range(A, B):`;
- `__builtin_offsetof(T, path)`: `__builtin_offsetof(sizeof(T), &path)`, and so for the types in
  `__builtin_va_arg(list, T)` and `__builtin_types_compatible_p(T, U)`: `sizeof(T)` names a type;
- `__attribute__`: gone, but for those of KEPT, which say something about layout or clean-up;
- what `kernel_sim.cfront.tidy` does to declarations;
- `asm("" : ...)` that sets nothing, which is there for the optimiser: `((void)0)`; other asm stays;
- `__extension__`, `__label__` declarations, and an address of a label: gone, gone, and 0.

Line breaks stay where they were; inside a line, columns change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kernel_sim.cfront.errors import PreprocessError
from kernel_sim.cfront.tidy import tidy

KEPT = frozenset({"packed", "aligned", "cleanup", "mode", "transparent_union"})
"""Attributes that stay in the text."""
_TYPES = {
    "__builtin_offsetof": (0,),
    "__builtin_va_arg": (1,),
    "__builtin_types_compatible_p": (0, 1),
}
_TYPEOF = frozenset({
    "typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__", "__typeof_unqual",
})  # fmt: skip
_ALIGNOF = frozenset({"_Alignof", "__alignof", "__alignof__"})
_SPELLINGS = {
    "__extension__": "", "__volatile__": "volatile", "__volatile": "volatile", "__const": "const",
    "__const__": "const", "__signed__": "signed", "__signed": "signed", "__inline": "inline",
    "__inline__": "inline", "__restrict": "restrict", "__restrict__": "restrict",
    "__asm__": "asm", "__asm": "asm",
}  # fmt: skip
_EMPTY_ASM = re.compile(r'(?:\s|\bvolatile\b|\b__volatile__\b)*\(\s*""\s*(?=[:)])')
_WORD = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\''
    r"|\b(?:case|asm|typeof(?:_unqual)?|_Alignof|__(?:a(?:ttribute|sm|lignof)|label|typeof"
    r"|builtin_(?:offsetof|va_arg|types)|extension|volatile|const|signed|inline|restrict)\w*)\b"
)
"""Strings, and words that may be of those above: a quick sieve."""
_LABEL_ADDRESS = re.compile(r"\(\s*unsigned\s+long\s*\)\s*&&\s*\w+")
_WORD_FIRST = re.compile(r"\w")
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|[()\[\]{},]')
_TAKES_ARGUMENTS = {"__attribute__", "__attribute", *_TYPES, *_TYPEOF, *_ALIGNOF}
MAX_DEPTH = 60
"""How deep rewritten constructs may stand in each other."""


@dataclass(slots=True)
class Plain:
    """The rewritten text; `types[n]` is what stood in the typeof that is now `__typeof_n`."""

    text: str = ""
    types: list[str] = field(default_factory=list)


def make_plain(text: str, types: list[str] | None = None) -> Plain:
    """Rewrite preprocessed text as the module says; `types` are those of the text before it.

    Raises PreprocessError for brackets that do not match, or stand too deep in each other.
    """
    plain = Plain(types=[] if types is None else types)
    plain.text = tidy(_rewrite(_LABEL_ADDRESS.sub("0UL", text), plain, 0))
    return plain


def _rewrite(text: str, plain: Plain, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise PreprocessError("typeof and its like stand too deep in each other")
    parts: list[str] = []
    at = 0
    while found := _WORD.search(text, at):
        parts.append(text[at : found.start()])
        new, at = _replace(text, found, plain, depth)
        parts.append(new if new[-1:].isspace() or not _WORD_FIRST.match(text, at) else f"{new} ")
    parts.append(text[at:])
    return "".join(parts)


def _replace(text: str, found: re.Match[str], plain: Plain, depth: int) -> tuple[str, int]:
    """What a word and what belongs to it becomes, and where the text goes on."""
    word = found[0]
    if word[0] in "\"'":
        return word, found.end()
    if word.startswith(("asm", "__asm")) and (empty := _EMPTY_ASM.match(text, found.end())):
        opened = text.index("(", found.end(), empty.end())
        _, end = split_arguments(text, opened)
        if '"=' in text[opened:end]:
            return "asm", found.end()
        return "((void)0)" + _breaks(text[found.start() : end]), end
    if word in _SPELLINGS:
        return _SPELLINGS[word], found.end()
    if word == "case":
        return _case(text, found, plain, depth)
    if word == "__label__":
        end = text.index(";", found.end()) + 1
        return _breaks(text[found.start() : end]), end
    if word in _TAKES_ARGUMENTS:
        return _call(text, found, plain, depth)
    return word, found.end()


def _call(text: str, found: re.Match[str], plain: Plain, depth: int) -> tuple[str, int]:
    """A word with an argument list."""
    word = found[0]
    opened = _skip_space(text, found.end())
    if not text.startswith("(", opened):
        return word, found.end()
    arguments, end = split_arguments(text, opened)
    breaks = _breaks(text[found.start() : end])
    if word.startswith("__attribute"):
        return _attributes(arguments, breaks, text, opened), end
    done = [_rewrite(argument.strip(), plain, depth + 1) for argument in arguments]
    if word in _TYPEOF or word in _ALIGNOF:
        name = _name_type(", ".join(done), plain)
        return (name if word in _TYPEOF else f"_Alignof({name})") + breaks, end
    done = [
        f"sizeof({each})" if number in _TYPES[word] else each for number, each in enumerate(done)
    ]
    if word == "__builtin_offsetof" and len(done) == 2:
        done[1] = f"&{done[1]}"
    return f"{word}({', '.join(done)})", end


def _name_type(text: str, plain: Plain) -> str:
    plain.types.append(text.replace("\n", " "))
    return f"__typeof_{len(plain.types) - 1}"


def _attributes(arguments: list[str], breaks: str, text: str, opened: int) -> str:
    inner = ",".join(arguments).strip()
    if not inner.startswith("("):
        return breaks
    given, _ = split_arguments(inner, 0)
    kept = [each.strip() for each in given if _attribute_name(each) in KEPT]
    return f"__attribute__(({', '.join(kept)}))" + breaks if kept else breaks


def _attribute_name(given: str) -> str:
    matched = re.match(r"\s*(\w+)", given)
    return matched[1].removeprefix("__").removesuffix("__") if matched else ""


def _case(text: str, found: re.Match[str], plain: Plain, depth: int) -> tuple[str, int]:
    """A range of cases; the usual case label goes on as it is."""
    end = text.find(":", found.end())
    dots = text.find("...", found.end(), end if end >= 0 else found.end())
    if dots < 0:
        return "case", found.end()
    first = _rewrite(text[found.end() : dots].strip(), plain, depth + 1)
    last = _rewrite(text[dots + 3 : end].strip(), plain, depth + 1)
    return f"case __case_range({first}, {last}):", end + 1


def split_arguments(text: str, opened: int) -> tuple[list[str], int]:
    """The arguments between the bracket at `opened` and its fellow, and where that ends."""
    depth = 0
    at = opened + 1
    arguments: list[str] = []
    for found in _BRACKET.finditer(text, opened):
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and found[0] == ","):
            arguments.append(text[at : found.start()])
            at = found.end()
        if depth == 0:
            return arguments, found.end()
    line = text.count("\n", 0, opened) + 1
    raise PreprocessError(f"line {line} of the preprocessed text: a bracket that is never closed")


def _skip_space(text: str, at: int) -> int:
    matched = re.compile(r"\s*").match(text, at)
    return matched.end() if matched else at


def _breaks(text: str) -> str:
    return "\n" * text.count("\n")

"""Sequential C programs made from a seed, none with undefined behaviour (given -fwrapv).

Shifts are in range, divisors are not 0, indices are masked, loops are counted, calls go to earlier
functions only, and no expression reads what it also changes.
"""

from __future__ import annotations

import random
import re
from typing import Final

_TYPES: Final = (
    "unsigned char", "signed char", "char", "unsigned short", "short", "unsigned", "int",
    "unsigned long", "long", "unsigned long long", "long long", "_Bool",
)  # fmt: skip
_EDGES: Final = (
    "0", "1", "2", "7", "-1", "-2", "127", "128", "255", "-128", "32767", "65535", "0x7fffffff",
    "0x80000000", "0xffffffff", "4294967296", "-2147483647 - 1", "0x7fffffffffffffff",
    "0x8000000000000000", "0xffffffffffffffff", "1u", "3ul", "5ll", "'a'", "'\\xff'",
)  # fmt: skip
_BITS: Final = {
    "unsigned char": 8, "signed char": 8, "unsigned short": 16, "short": 16, "unsigned": 32,
    "int": 32, "unsigned long": 64, "long": 64, "_Bool": 1,
}  # fmt: skip
_BINARY: Final = ("+", "-", "*", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "&&", "||")
_ASSIGN: Final = ("=", "=", "=", "+=", "-=", "*=", "&=", "|=", "^=")
_NAME: Final = re.compile(r"\b([afgvwsx]\d+|main)\b")
ELEMENTS: Final = 8


class Generator:
    """Makes one program; `text` returns it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.structs: list[list[str]] = []
        self.functions: list[int] = []
        self.names: list[str] = []
        """What can be read and assigned to here."""
        self.labels = 0

    def text(self) -> str:
        """Return the program."""
        lines = ["void sim_note(const char *text, long value);"]
        for number in range(self.random.randint(1, 3)):
            lines += self._struct(number)
        lines += [f"static {self._type()} a{n}[{ELEMENTS}];" for n in range(3)]
        lines += [f"static {self._type()} g{n} = {self._edge()};" for n in range(4)]
        lines += [f"static struct s{n} v{n}, w{n}[2];" for n in range(len(self.structs))]
        for number in range(self.random.randint(1, 2)):
            lines += self._function(number)
        return "\n".join([*lines, *self._main(), ""])

    # ------------------------------------------------------------------- declarations

    def _type(self) -> str:
        return self.random.choice(_TYPES)

    def _edge(self) -> str:
        return self.random.choice(_EDGES)

    def _struct(self, number: int) -> list[str]:
        fields, lines = [], []
        for index in range(self.random.randint(2, 7)):
            name = f"m{index}"
            fields.append(name)
            if self.random.random() < 0.5:
                kind = self.random.choice(list(_BITS))
                lines.append(f"{kind} {name}:{self.random.randint(1, _BITS[kind])};")
            else:
                lines.append(f"{self._type()} {name};")
            if self.random.random() < 0.1:
                lines.append("int :0;")
        self.structs.append(fields)
        return [f"struct s{number} {{ {' '.join(lines)} }};"]

    def _globals(self) -> list[str]:
        names = [f"g{n}" for n in range(4)]
        names += [f"a{n}[{k}]" for n in range(3) for k in (0, 3)]
        for number, fields in enumerate(self.structs):
            names += [f"v{number}.{name}" for name in fields]
            names += [f"w{number}[1].{self.random.choice(fields)}"]
        return names

    def _function(self, number: int) -> list[str]:
        count = self.random.randint(0, 3)
        given = ", ".join(f"{self._type()} p{n}" for n in range(count)) or "void"
        self.names = self._globals() + [f"p{n}" for n in range(count)]
        head = [f"static {self._type()} f{number}({given})", "{"]
        for index in range(3):
            head.append(f"{self._type()} l{index} = {self.expression(2)};")
            self.names.append(f"l{index}")
        target = self.random.choice(("l0", "g0", "a0[2]"))
        head.append(f"typeof({target}) *q = &{target}; int i, j, k;")
        self.names.append("(*q)")
        body = self.block(2)
        result = f"return {self.expression(3)};"
        self.functions.append(count)
        return [*head, *body, result, "}"]

    # -------------------------------------------------------------------- expressions

    def expression(self, depth: int) -> str:
        """Return an expression without side effects."""
        pick = self.random.random()
        if depth <= 0 or pick < 0.1:
            return self._leaf()
        one, two = self.expression(depth - 1), self.expression(depth - 1)
        if pick < 0.5:
            return f"({one} {self.random.choice(_BINARY)} {two})"
        if pick < 0.6:
            return f"({one} {self.random.choice('/%')} (({two}) & 15 | 1))"
        if pick < 0.7:
            return f"({one} {self.random.choice(('<<', '>>'))} (({two}) & 31))"
        if pick < 0.8:
            return f"(({self._type()}){one})"
        if pick < 0.88:
            return f"({self.random.choice(('-', '~', '!', '+'))} {one})"
        if pick < 0.95:
            return f"({one} ? {two} : {self.expression(depth - 1)})"
        return f"a{self.random.randint(0, 2)}[({one}) & {ELEMENTS - 1}]"

    def _leaf(self) -> str:
        if self.names and self.random.random() < 0.7:
            return self.random.choice(self.names)
        return f"({self._edge()})"

    # --------------------------------------------------------------------- statements

    def block(self, depth: int) -> list[str]:
        """Return some statements."""
        lines: list[str] = []
        for _ in range(self.random.randint(1, 3)):
            lines += self._statement(depth)
        return lines

    def _statement(self, depth: int) -> list[str]:
        made = [self._assignment, self._step, self._call, self._copy]
        if depth > 0:
            made += [self._if, self._loop, self._switch, self._goto, self._inner]
        return self.random.choice(made)(depth)

    def _assignment(self, depth: int) -> list[str]:
        target, op = self.random.choice(self.names), self.random.choice(_ASSIGN)
        return [f"{target} {op} {self.expression(3)};"]

    def _step(self, depth: int) -> list[str]:
        target, other = self.random.choice(self.names), self.random.choice(("g0", "g1", "l0"))
        if self.random.random() < 0.5:
            return [self.random.choice((f"{target}++;", f"--{target};", f"{target} <<= 1;"))]
        step = self.random.choice((f"{target}++", f"{target}--", f"++{target}", f"--{target}"))
        return [f"{{ long t = {step}; {other} ^= t; }}"]

    def _call(self, depth: int) -> list[str]:
        if not self.functions:
            return self._assignment(depth)
        number = self.random.randrange(len(self.functions))
        given = ", ".join(self.expression(2) for _ in range(self.functions[number]))
        return [f"{{ long t = f{number}({given}); {self.random.choice(self.names)} = t; }}"]

    def _copy(self, depth: int) -> list[str]:
        n = self.random.randrange(len(self.structs))
        made = f"{{ struct s{n} t = {{ {self.expression(1)}, {self.expression(1)} }}; v{n} = t; }}"
        return [
            self.random.choice((f"w{n}[0] = v{n};", f"v{n} = w{n}[1];", f"w{n}[1] = *&v{n};", made))
        ]

    def _if(self, depth: int) -> list[str]:
        lines = [f"if ({self.expression(2)}) {{", *self.block(depth - 1), "}"]
        if self.random.random() < 0.5:
            lines += ["else {", *self.block(depth - 1), "}"]
        return lines

    def _loop(self, depth: int) -> list[str]:
        index, times = "ijk"[depth % 3], self.random.randint(1, 4)
        body = self.block(depth - 1)
        if self.random.random() < 0.4:
            way = self.random.choice(("break", "continue"))
            body.insert(0, f"if ({self.expression(1)}) {way};")
        if self.random.random() < 0.6:
            return [f"for ({index} = 0; {index} < {times}; {index}++) {{", *body, "}"]
        return [f"{index} = {times}; do {{", *body, f"}} while (--{index} > 0);"]

    def _switch(self, depth: int) -> list[str]:
        lines = [f"switch (({self.expression(2)}) & 7) {{"]
        for label in self.random.sample(range(8), 3):
            lines += [f"case {label}:", *self.block(depth - 1)]
            lines += ["break;"] if self.random.random() < 0.6 else []
        lines += ["case 100 ... 120:", "default:", *self.block(depth - 1)]
        return [*lines, "}"]

    def _goto(self, depth: int) -> list[str]:
        self.labels += 1
        label = f"x{self.labels}"
        return [f"if ({self.expression(2)}) goto {label};", *self.block(depth - 1), f"{label}: ;"]

    def _inner(self, depth: int) -> list[str]:
        lines = [f"{{ {self._type()} l0 = {self.expression(1).replace('l0', 'l1')};"]
        return [*lines, *self.block(depth - 1), "}"]

    def _main(self) -> list[str]:
        self.names = self._globals()
        lines = ["int main(void)", "{"]
        for number, count in enumerate(self.functions):
            for turn in range(2):
                given = ", ".join(self._edge() for _ in range(count))
                lines.append(f'sim_note("f{number} {turn}", f{number}({given}));')
        for name in self._globals():
            lines.append(f'sim_note("{name}", {name});')
        lines += [f'sim_note("size {n}", sizeof(v{n}));' for n in range(len(self.structs))]
        return [*lines, "return 0;", "}"]


def random_programs(first: int, count: int) -> str:
    """Return one text that runs the programs of `count` seeds: compiling it costs less."""
    texts = [
        _NAME.sub(rf"\1_{seed}", Generator(seed).text()) for seed in range(first, first + count)
    ]
    calls = "".join(f"main_{seed}(); " for seed in range(first, first + count))
    return "".join([*texts, f"int main(void) {{ {calls}return 0; }}\n"])

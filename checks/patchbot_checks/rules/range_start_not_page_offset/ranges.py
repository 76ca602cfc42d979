"""What a range's start and length say, as far as they can be told from their expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patchbot_checks.csource.expr import Expr
from patchbot_checks.csource.values import parse_number
from patchbot_checks.tables import names

_SHIFTS = ("PAGE_SHIFT", "PAGE_CACHE_SHIFT")
_SIZES = ("PAGE_SIZE", "PAGE_CACHE_SIZE")
_LEAST_PAGE = 4096
_ENDLESS = (
    "LLONG_MAX",
    "LONG_MAX",
    "OFFSET_MAX",
    "MAX_LFS_FILESIZE",
    "ULLONG_MAX",
    "EXT_MAX_BLOCKS",
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The variables that are pages, those that a function works on, and its page parameters."""

    held: frozenset[str]
    worked: frozenset[str]
    parameters: frozenset[str]

    @property
    def has_any(self) -> bool:
        """Whether the function is about a page at all."""
        return bool(self.worked or self.parameters)

    @property
    def name(self) -> str:
        """What to call the page in a message."""
        return "the folio" if any("folio" in each for each in self.held) else "the page"

    @staticmethod
    def normal(expr: Expr) -> Expr:
        """Return a page's expression without what turns pages into folios and back."""
        expr = expr.bare
        while expr.kind == "call" and expr.op in names("page-of-page") and expr.args:
            expr = expr.args[0].bare
        if expr.kind == "unary" and expr.op == "&" and expr.args[0].op == "page":
            expr = expr.args[0].args[0] if expr.args[0].args else expr
        return expr

    def is_other(self, expr: Expr) -> bool:
        """Whether a page is none of those that the function works on."""
        text = self.normal(expr).text
        mine = self.worked or self.parameters
        return text not in mine and not any(text == p for p in self.parameters)


def terms_of(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield the summands of an offset, each with what it is; "less" before what is taken off."""
    expr = expr.bare
    if expr.kind == "binary" and expr.op == "+":
        for each in expr.args:
            yield from terms_of(each)
    elif expr.kind == "binary" and expr.op == "-":
        yield from terms_of(expr.args[0])
        for kind, each in terms_of(expr.args[1]):
            yield f"less {kind}", each
    else:
        yield _kind_of(expr), expr


def alternatives(expr: Expr) -> Iterator[Expr]:
    """Yield what an expression may stand for: both values of a choice."""
    if expr.bare.kind == "choice":
        for each in expr.bare.args[1:]:
            yield from alternatives(each)
    else:
        yield expr


def _kind_of(expr: Expr) -> str:
    if expr.kind == "number":
        return "constant"
    if expr.kind == "call":
        for kind, each in (("offset", "page-offset"), ("end", "file-size"), ("size", "page-size")):
            if expr.op in names(each):
                return kind
        return "within" if expr.op in ("offset_in_page", "offset_in_folio") else "other"
    if expr.kind == "name":
        return "size" if expr.text in _SIZES else "constant" if expr.text in _SHIFTS else "other"
    if expr.kind == "field":
        return {"index": "index", "i_size": "end", "pgoff": "index"}.get(expr.op, "other")
    return _kind_of_binary(expr) if expr.kind == "binary" else "other"


def _kind_of_binary(expr: Expr) -> str:
    left, right = (_kind_of(a.bare) for a in expr.args)
    text = expr.args[1].bare.text
    if expr.op == "<<" and left == "index":
        return "offset" if text in _SHIFTS else "wrong unit"
    if expr.op == "*" and {left, right} == {"index", "size"}:
        return "offset"
    if expr.op in ("<<", ">>", "/", "*") and "offset" in (left, right):
        return "wrong unit"
    if expr.op == ">>" and left == "index":
        return "wrong unit"
    if expr.op == "&" and text in ("~PAGE_MASK", "(PAGE_SIZE - 1)", "~PAGE_CACHE_MASK"):
        return "within"
    return "other"


def judge_start(expr: Expr, pages: Pages) -> str:
    """Return what is wrong with a start, "" where nothing is known to be."""
    terms = list(terms_of(expr))
    kinds = {kind for kind, _ in terms}
    if "wrong unit" in kinds:
        return "which is not in bytes"
    for kind, each in terms:
        page = _page_of(each) if kind == "offset" else None
        if page is not None and pages.is_other(page):
            return "the offset of another page"
    if kinds <= {"offset", "size", "less size"} and len(kinds) > 1 and "offset" in kinds:
        return "the offset of another page"
    if any(kind.removeprefix("less ") in ("offset", "other") for kind in kinds):
        return ""
    if "index" in kinds:
        return "which is the page's index, not its offset in bytes"
    if "within" in kinds:
        return "which is an offset within the page"
    if "end" in kinds:
        return "which is the end of the file"
    return "a constant, not the page's offset"


def _page_of(expr: Expr) -> Expr | None:
    """Return the page whose offset an expression is, None where that is not a page's own."""
    if expr.kind == "call":
        return expr.args[0] if expr.args else None
    for each in expr.walk():
        if each.kind == "field" and each.op == "index":
            return each.args[0]
    return None


def whole_file(expr: Expr) -> bool:
    """Whether a length is that of a whole file."""
    expr = expr.bare
    if expr.kind == "name":
        return expr.text in _ENDLESS
    number = parse_number(expr.text) if expr.kind == "number" else None
    return _kind_of(expr) == "end" or (number is not None and number > 1 << 40)


def judge_length(expr: Expr, starts: Sequence[Expr], pages: Pages) -> str:
    """Return why a length does not cover a page that starts at `starts`, "" where it may."""
    if [kind for kind, _ in terms_of(expr)] == ["offset"]:
        return "which is the page's offset, and no length"
    if not all([kind for kind, _ in terms_of(each)] == ["offset"] for each in starts):
        return ""  # it starts inside the page, or nobody knows where
    expr = expr.bare
    number = parse_number(expr.text) if expr.kind == "number" else None
    if number is not None:
        return "less than a page" if number < _LEAST_PAGE else ""
    kind = _kind_of(expr)
    if kind in ("index", "constant"):
        return "which is no length in bytes"
    if expr.kind == "binary" and expr.args[1].bare.kind == "number":
        amount = parse_number(expr.args[1].bare.text)
        if expr.op == "-" and amount:
            return f"{amount} short of the page's valid part"
        if expr.op in (">>", "/") and amount and amount > (expr.op == "/"):
            return "a part of the page's valid part"
    return ""

"""Functions that are installed as callbacks, such as page_mkwrite handlers."""

from __future__ import annotations

from collections.abc import Iterator

from patchbot_checks.context import Context
from patchbot_checks.csource.unit import Function


def find_handlers(context: Context, *fields: str) -> Iterator[tuple[Function, str]]:
    """Yield the file's functions that stand in one of these callback fields, with the field.

    The place of the initialiser or assignment may be in any file of the same folder.
    """
    installed = context.program.installed(context.unit.path, frozenset(fields))
    by_name: dict[str, str] = {}
    for name_of_field, names in installed.items():
        for name in names:
            by_name.setdefault(name, name_of_field)
    for function in context.functions(named=frozenset(by_name)):
        yield function, by_name[function.name]

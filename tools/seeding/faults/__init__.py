"""All faults that are seeded, one module a family; importing this fills the table."""

import importlib
import pkgutil

for _each in sorted(info.name for info in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_each}")

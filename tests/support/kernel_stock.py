"""What Debian's unmodified kernels are known to fail, and why: for a comparison, no fault here."""

from __future__ import annotations

from collections.abc import Mapping

FAILS_ON_STOCK: Mapping[str, Mapping[str, str]] = {
    "6.1": {
        "stable-pages/data-journal": "now and then: pages stay writable under this I/O",
        "journal-flip/mapped": "the operations change under a fault: a NULL pointer",
        "write-protect/first-store": "the page has no dirty tag yet: docs/findings/first-store.md",
        "inline-race/kept": "a page of inline data that is mapped before it gets a block",
        "inline-race/written": "BUG at fs/ext4/inline.c:793 and fs/buffer.c:2054",
    },
    "6.12": {
        "journal-flip/mapped": "as 6.1: __block_write_begin_int() without a function to get blocks",
        "inline-race/alone": "data=journal: files moved to a block by write(2) leave it dirty",
        "inline-race/kept": "as 6.1, and what inline-race/alone shows",
        "inline-race/written": "BUG at fs/ext4/inline.c:791, and what inline-race/alone shows",
    },
}
"""By version: scenarios that the stock kernel may fail, with the reason."""

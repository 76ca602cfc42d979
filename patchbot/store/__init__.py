"""What patchbot keeps: fetched threads, stage results, reviews. The only SQL is here."""

from patchbot.store.database import Store, StoredReview, render_result

__all__ = ["Store", "StoredReview", "render_result"]

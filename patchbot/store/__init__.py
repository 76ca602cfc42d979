"""What patchbot keeps: fetched threads, stage results, reviews. The only SQL is here."""

from patchbot.store.database import Store, StoredReview, render_result
from patchbot.store.summary import Summary, count_trailers

__all__ = ["Store", "StoredReview", "Summary", "count_trailers", "render_result"]

"""What patchbot keeps: fetched threads, stage results, reviews. The only SQL is here."""

from patchbot.store.database import Store, StoredReview, parse_result, render_result
from patchbot.store.summary import Summary, count_trailers

__all__ = ["Store", "StoredReview", "Summary", "count_trailers", "parse_result", "render_result"]

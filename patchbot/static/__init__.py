"""Static checks on commits: where the text comes from, and what changed from one to the next."""

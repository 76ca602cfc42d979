"""One folder a rule: `rule.py`, and fixtures beside it (`bad_*.c`, `good_*.c`)."""

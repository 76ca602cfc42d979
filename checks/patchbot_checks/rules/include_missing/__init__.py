"""The rule include-missing."""

"""The rule dirty-before-write-access."""

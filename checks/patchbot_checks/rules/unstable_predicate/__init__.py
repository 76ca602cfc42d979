"""A changeable question is asked twice, and equal answers are relied on."""

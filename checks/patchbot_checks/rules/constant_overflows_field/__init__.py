"""The rule constant-overflows-field."""

"""A lock taken against the documented order."""

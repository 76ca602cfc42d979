"""A local variable used unset on a path that can be taken."""

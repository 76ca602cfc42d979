"""What can go wrong between a tree and the text of one of its files."""


class TreeError(Exception):
    """A tree cannot be read: what is missing or refused, in one line."""


class PreprocessError(TreeError):
    """One file cannot be preprocessed: the first error, with path and line in the tree."""

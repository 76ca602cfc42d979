"""Faults put into real kernel sources by edits of their syntax, to see which of them are found.

    python -m tools.seed_faults --tree 6.12 --rule lock-order --show

It shares no code with the rules' source layer: it reads C with plain tree-sitter, so that what
that layer gets wrong is not wrong here too.
"""

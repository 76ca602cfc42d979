"""Faults seeded into real kernel sources, to see whether the rules find them."""

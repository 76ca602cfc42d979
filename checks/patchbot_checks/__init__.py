"""Rules over kernel C: one folder a rule, with the code it rejects and the code it accepts.

Imports neither ``patchbot`` nor ``kernel_sim``; ``patchbot`` calls it from a stage.
"""

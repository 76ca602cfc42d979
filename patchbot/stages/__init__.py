"""The stages of a review: each takes a request and returns one frozen result.

`patchbot.stages.registry` has them all; this imports none, so that a command loads what it needs.
"""

"""The tests of patchbot, and what they stand on."""

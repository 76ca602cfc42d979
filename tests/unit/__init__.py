"""Pure code, and the test support itself."""

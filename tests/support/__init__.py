"""What the tests stand on: real and faulty servers, git trees, and a closed-off environment."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The top of the work tree."""

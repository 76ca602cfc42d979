"""The simulator's own architecture: headers that come before a tree's, and its configuration."""

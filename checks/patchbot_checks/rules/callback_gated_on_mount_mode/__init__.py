"""The rule callback-gated-on-mount-mode."""

"""Reviews Linux kernel patch series: from a message-id to a verdict for every revision."""

__version__ = "0.1.0"

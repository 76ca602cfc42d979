"""The order in which schedules are tried, and how one is written down."""

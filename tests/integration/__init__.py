"""Real git and real servers on loopback."""

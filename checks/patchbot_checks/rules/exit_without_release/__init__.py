"""What was taken is kept at an exit, or given back twice."""

"""A miniature kernel at kernel paths, and the machinery that explores schedules over it."""

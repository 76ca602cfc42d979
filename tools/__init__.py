"""Tools of the project; run them with python -m tools.NAME."""

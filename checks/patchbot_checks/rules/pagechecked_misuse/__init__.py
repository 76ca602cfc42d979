"""The rule pagechecked-misuse."""

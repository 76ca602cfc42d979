"""The C source layer: text that tree-sitter can parse, functions, control flow, and paths."""

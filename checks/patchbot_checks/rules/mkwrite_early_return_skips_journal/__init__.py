"""The rule mkwrite-early-return-skips-journal."""

"""The rule mkwrite-without-stable-wait."""

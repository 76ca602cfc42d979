"""The rule writepage-callback-loses-dirty."""

"""From a message-id to a series with all its revisions."""

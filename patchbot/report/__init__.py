"""From a review to bytes: JSON documents and text."""

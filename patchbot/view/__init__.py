"""What screens show, as plain values made from the documents that `--json` prints."""

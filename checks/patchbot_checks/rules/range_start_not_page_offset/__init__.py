"""The rule range-start-not-page-offset."""

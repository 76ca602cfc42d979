"""Benchmarks: ratios against something named, measured in the same run."""

"""Kernel sources on disk, configured and built with the kernel's own make."""

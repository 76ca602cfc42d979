"""Journalling or DAX flags of a live inode changed without what makes that safe."""

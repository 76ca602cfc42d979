"""The lab: threads of patches, made for a kernel tree that has none, with known faults in them.

The series is the lab's own, and so are its texts. Its patches are edits of the tree's syntax, so
that they fit any kernel whose ext4 write-protects journalled data at commit (5.10 and later).
"""

"""Boot kernels in QEMU and read what the guest says on its serial line."""

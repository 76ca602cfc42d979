"""VM_FAULT_RETRY returned where the fault's caller can't take it."""

"""The engines: they run a `kernel_sim.ir.Program`, in Python or as native code."""

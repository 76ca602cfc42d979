"""From preprocessed C to `kernel_sim.ir`."""

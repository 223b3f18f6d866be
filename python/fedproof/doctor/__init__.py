"""Is this machine, and is this folder, fit for a federation? Checks that change nothing, for `fedproof doctor`."""

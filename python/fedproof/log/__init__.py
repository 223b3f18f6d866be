"""The record as an append-only Merkle log: C2SP tlog-tiles files with signed-note checkpoints (spec/log.md). Go's `sumdb`
packages read the same files."""

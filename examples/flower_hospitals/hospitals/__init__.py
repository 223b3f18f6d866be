"""Seven hospitals, one of which cheats: a Flower app with proofs."""

"""A Flower app with proofs: images."""

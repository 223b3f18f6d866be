"""Banks that flag fraud together: a Flower app with proofs."""

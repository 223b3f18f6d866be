"""What a federation demands, and the parameters that follow from it."""

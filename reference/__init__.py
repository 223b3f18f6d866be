"""A second verifier, in plain Python integers, whose only source is spec/. See README.md."""

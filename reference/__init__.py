"""A second verifier, written from the pages in spec/ alone, in plain Python integers. See README.md."""

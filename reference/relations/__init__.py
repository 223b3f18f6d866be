"""One module for each page in spec/relations/."""

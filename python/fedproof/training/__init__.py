"""Training on records that are integers: the optimum of a stated convex objective, as integers, and how far it may be from it
(spec/relations/optimum.md)."""

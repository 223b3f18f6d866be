"""Certified data (spec/dataset.md): an authority commits to records one by one and signs what it saw. They stay with their holder."""

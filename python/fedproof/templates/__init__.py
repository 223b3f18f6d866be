"""Flower apps with proofs, to begin with: files that `fedproof init` writes, and the base model and folders that belong to them."""

from fedproof.templates.app import TEMPLATES, write_app

__all__ = ["TEMPLATES", "write_app"]

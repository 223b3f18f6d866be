"""The command line: `fedproof demo`, `verify`, `keygen`, `endorse`, `policy`. Exit code 0: done or verified; 1: refused; 2: unreadable
input or wrong usage."""

from fedproof.cli.app import main

__all__ = ["main"]

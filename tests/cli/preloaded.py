"""What `command` forks from: all commands, imported and not run."""

from fedproof.cli.app import load_commands

load_commands()

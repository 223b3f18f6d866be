"""A round: its messages, its two state machines, its record, and the durable driver around them (spec/round.md)."""

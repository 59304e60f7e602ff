"""The commands: what each asks, and what it shows."""

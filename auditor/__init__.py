"""The audit: whole bucket and whole table compared in the stack, every day."""

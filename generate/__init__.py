"""Writes the files that repeat what the code declares."""

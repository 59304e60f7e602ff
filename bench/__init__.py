"""Measures cost and speed of the pipeline, beside two references."""

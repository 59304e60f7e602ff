"""The operator's tool: ``python -m ops``."""

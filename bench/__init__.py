"""What the pipeline costs and how fast it is, beside two references."""

"""The audit: compares the whole bucket with the whole table every night, in Lambda."""

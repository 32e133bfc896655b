"""Trains the encoder of the semantic router; see README.md."""

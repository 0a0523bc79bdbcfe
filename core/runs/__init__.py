"""Runs: what is asked once is computed once, in a warm worker, and kept."""

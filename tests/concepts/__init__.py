"""Tests of the concepts: a package, so that one may have the name of a test beside it."""

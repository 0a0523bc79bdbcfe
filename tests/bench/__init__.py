"""`make bench`: times what must be fast."""

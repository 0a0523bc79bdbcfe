"""The talks: beats as data (core/talk.py), and beside them their words."""

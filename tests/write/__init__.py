"""Tests of netwright.write: OUT is written whole or not at all, and nothing of the user's is lost."""

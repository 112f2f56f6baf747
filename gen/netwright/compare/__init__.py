"""Comparison of OUT with what it was, and with what the topology would generate now."""

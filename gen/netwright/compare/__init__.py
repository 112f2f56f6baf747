"""OUT beside what it was, and beside what the topology would generate now."""

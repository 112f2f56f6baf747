"""Tests of gen/graph."""

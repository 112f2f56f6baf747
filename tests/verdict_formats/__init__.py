"""Tests of gen/netwright/verdict_formats."""

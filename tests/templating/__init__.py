"""Tests of gen/netwright/templating."""

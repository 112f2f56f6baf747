"""A topology file -> what to generate from it."""

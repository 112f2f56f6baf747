"""Writers of docs/ from the code; not part of an installation."""

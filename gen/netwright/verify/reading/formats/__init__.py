"""One module a format: text -> facts with their lines. A line that a reader does not know is named, never skipped."""

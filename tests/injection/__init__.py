"""No value of a topology adds a line, directive or command to any output."""

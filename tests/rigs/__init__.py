"""Real programs that judge what netwright writes: one module a program, each in namespaces of its own."""

"""A judgement in each form in which it is printed."""

"""Changes carried to machines: what each has, what is to change there, and how that is done so that all of it is, or
nothing."""

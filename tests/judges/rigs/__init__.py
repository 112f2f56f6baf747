"""Each rig accepts a right file and sees a wrong one: a judge that can't say no is none."""

"""The topology as a picture, with the way that a flow takes."""

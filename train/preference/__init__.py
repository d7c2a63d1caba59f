"""Direct preference optimisation: of two descriptions of one image, learn to prefer the true one."""

"""Two live sides of a case, and what is done with pairs of them."""

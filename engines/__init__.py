"""How to build and run a case: the contract, its backends, and what they share."""

"""One graph for each precision, made once out of the fp32 one and shared by every backend."""

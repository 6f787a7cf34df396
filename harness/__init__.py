"""What makes it happen: the runner, its child processes, and the command line."""

"""Where models come from: built-in builders and files."""

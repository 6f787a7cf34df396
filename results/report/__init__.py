"""A finished run in a form for people or programs; computes nothing."""

"""Labelled data: those that dyno knows by name, and the user's own."""

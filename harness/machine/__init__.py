"""What a machine is and how it is at the moment: one file for each part of it."""

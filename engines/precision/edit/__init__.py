"""What every recipe needs to change a graph: names, constants, opsets, the first steps."""

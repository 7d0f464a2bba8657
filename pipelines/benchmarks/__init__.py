"""What things cost, measured: contenders take turns on one machine, and a table says medians and ratios."""

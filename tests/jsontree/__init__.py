"""Documents as lines: laid out, folded, searched."""

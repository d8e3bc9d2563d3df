"""Full screens, with their styles beside them."""

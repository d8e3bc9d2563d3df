"""What the Downloads screen knows of transfers, without a screen."""

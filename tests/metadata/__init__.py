"""What metadata means, spelt out."""

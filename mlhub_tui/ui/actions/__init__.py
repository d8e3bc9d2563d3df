"""Actions of several steps, from the key press to the queue or the file."""

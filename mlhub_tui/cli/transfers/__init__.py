"""What the command line does with transfers: downloads, the queue, and their progress."""

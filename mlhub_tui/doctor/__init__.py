"""What is wrong here, and how to mend it: findings on program, terminal, files, queue, network and source."""

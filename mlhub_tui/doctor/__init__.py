"""Problems and how to fix them: findings on program, terminal, files, queue, network and source."""

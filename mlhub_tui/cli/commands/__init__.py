"""The subcommands as they are declared: options and help pages; what they do is imported when they run."""

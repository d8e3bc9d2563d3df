"""Help: what can be done here and by which keys, from the table of commands; the first steps."""

"""One file on its way: from a link, over one connection or several, into a part file that is verified."""

"""What the metadata of a document means, spelt out: licences, extensions, bands, labels, how to cite it."""

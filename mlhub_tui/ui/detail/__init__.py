"""Details of documents and jobs as blocks that fit any width."""

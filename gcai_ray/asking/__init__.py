"""Questions → replies, each asked once: the seam between stages and engines."""

"""Results drawn as a page or as Markdown, from numbers, curves and rows of text alone."""

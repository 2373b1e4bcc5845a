"""A report as one page: HTML that needs nothing from outside, or Markdown."""

"""Render results as HTML or Markdown, from plain numbers, curves and texts."""

"""Imported by every Python that starts with this folder on its path."""

from touches import obey

obey()

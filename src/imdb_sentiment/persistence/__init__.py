"""The saved folder: written, opened, exported, described and published."""

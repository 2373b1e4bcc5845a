"""One file format a module, read and written."""

"""Any source of texts and labels becomes clean, labelled splits that do not leak."""

"""Headers that the files of the gate include."""

"""Finding lines: by pattern in linear time, by words in order of rank."""

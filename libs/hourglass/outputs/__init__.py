"""What a run writes: each file's document in a module of its own, all written at once."""

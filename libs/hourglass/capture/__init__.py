"""Captured data into columns: files → slices → blocks of lines → records → rows."""

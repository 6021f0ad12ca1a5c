"""The only package that imports pyspark: the session, and the one pass over slices."""

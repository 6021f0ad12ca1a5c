"""Captured requests × ground truth, in four steps that are plain functions; an engine hands them out and sorts between them.

plan           which hours, parts and label files; what is there already
keys, labels   blocks of lines → rows of ids                                   (read)
match          rows in order of their ids → the label of each captured line    (shuffle, sort)
merged_lines   a part's lines × their labels → one file                        (shuffle, sort, read once more)
hour_report    what is known of an hour: counts, coverage, delay
"""

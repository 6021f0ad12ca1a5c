"""Monitors: which states, statistics, constraints and outputs a job is made of."""

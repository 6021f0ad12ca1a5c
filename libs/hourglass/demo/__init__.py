"""The demonstration: a day of captured traffic with known faults, and whether the monitor finds them."""

"""The commands of `hourglass`, one family a file; `hourglass.cli` puts them together."""

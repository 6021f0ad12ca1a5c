"""When what runs: one file says which jobs there are and when, and each scheduler's own form is made of it."""

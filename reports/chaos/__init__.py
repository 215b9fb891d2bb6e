"""What an experiment leaves behind for people: a page of its own."""

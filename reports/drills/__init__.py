"""What drills leave behind: a record each, a page each, and the history that says which are overdue."""

"""What a release leaves behind: its record, and the page that shows it."""

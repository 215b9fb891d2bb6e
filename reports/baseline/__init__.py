"""What a system's performance was, kept well enough to notice a change."""

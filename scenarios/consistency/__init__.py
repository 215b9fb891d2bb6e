"""Whether a slot is sold twice: bookings made by many at once, under faults, judged by the history of all of them."""

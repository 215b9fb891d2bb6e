"""Releases: green gets more and more of the traffic, is compared with blue all the while, and comes back in time."""

"""NailBook's lab and gate: what differs from Hwayo's is the platform, not the suites."""

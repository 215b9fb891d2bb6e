"""What people do with Machine Native Ops."""

"""What people do with MemoryArk: they write to it by LINE."""

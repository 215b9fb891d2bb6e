"""MemoryArk, a Compose project: its checks by hand, and its gate on real containers where an engine can be had."""

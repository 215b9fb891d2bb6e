"""The lab and gate of Machine Native Ops: Kubernetes, delivered by Argo CD."""

"""Load: the document's users against the system, sent by Locust in its own processes, every sample kept and counted.

Nothing that is imported from here imports Locust: gevent would patch the threads and sockets of the importing process.
"""

"""Archives: tar streams read header by header, judged, compressed; never held in memory."""

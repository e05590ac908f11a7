"""What a finished run is for: the HTTP service, the web page, export and the way out."""

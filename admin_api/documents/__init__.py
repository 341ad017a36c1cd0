"""Permission documents as texts: files in YAML or JSON, bodies in JSON."""

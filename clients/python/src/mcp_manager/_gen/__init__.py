"""Made from proto/ by scripts/generate.py; not edited by hand."""

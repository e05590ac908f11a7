"""Functions that ejected scripts are made of: torch and transformers alone, nothing of ours."""

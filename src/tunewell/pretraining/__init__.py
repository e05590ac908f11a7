"""Pre-training: a language model from running text, or a backbone that reads on."""

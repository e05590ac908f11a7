"""What a comparison costs, measured against what people do without us."""

"""Language models from running text: from random weights, or from a backbone that reads on."""

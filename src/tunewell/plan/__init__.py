"""Which trials will run: what each would cost, and what the budget holds."""

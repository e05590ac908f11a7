"""What a trial scored and cost, how sure that is, and which method to take."""

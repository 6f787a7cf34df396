"""What a case's answers are worth: parity with a reference, scores on labelled data, limits."""

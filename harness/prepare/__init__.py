"""Making what cases are measured with: models at their precision, inputs, what a query costs."""

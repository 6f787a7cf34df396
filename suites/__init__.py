"""What to measure: suites, their cases, the models and inputs they name."""

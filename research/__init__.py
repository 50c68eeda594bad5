"""Studies: research publications as records."""

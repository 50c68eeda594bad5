"""What becomes of letters after they left us: providers' reports, returned mail, complaints."""

"""The bootstrap of companies: which CDS rows lack a company, and stamping it on them in batches."""

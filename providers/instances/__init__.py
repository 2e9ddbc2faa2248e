"""CDS and F&O instances: naming them, making new ones, verifying existing ones, what is installed on them."""

"""The OData service of one F&O instance."""

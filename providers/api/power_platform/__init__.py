"""The Power Platform: environments, capacity, locations. BAP behind an interface."""

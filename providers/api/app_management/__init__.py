"""Application packages of an environment: the Power Platform API's appmanagement."""

"""What listens on the one port: the proxy with its certificates, the gateway to the tenant, the control plane."""

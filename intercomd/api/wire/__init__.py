"""The wire API `/v1/db/*` of the existing system, over our store (docs/wire-api.md)."""

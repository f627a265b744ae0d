"""The HTTP machinery: routes, problems, paging, authentication, OpenAPI."""

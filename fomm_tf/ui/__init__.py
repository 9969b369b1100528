"""The commands as a page in the browser, for those who do not type. Needs the extra `ui`."""

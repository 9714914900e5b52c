"""Parts that views are built of. They know the theme and nothing of the session."""

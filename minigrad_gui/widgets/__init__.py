"""The building blocks of views. They know the theme but not the session."""

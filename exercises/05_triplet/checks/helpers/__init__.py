"""What the checks of the tasks call."""

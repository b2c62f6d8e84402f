"""From a solution notebook: the exercise that students get, and the grades of what they hand in."""

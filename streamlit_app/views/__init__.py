"""The pages. Each has one function `show()`."""

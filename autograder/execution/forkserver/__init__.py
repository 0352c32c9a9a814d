"""The warm process that submissions are forked from, and what it watches over."""

"""Everything that is made of grades: pages, the table, the gradebook."""

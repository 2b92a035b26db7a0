"""How jobs go in: alone, many, unique, after others; and what an application has run around it."""

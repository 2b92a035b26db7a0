"""Small programs to read and to run; each folder has a page that walks through them."""

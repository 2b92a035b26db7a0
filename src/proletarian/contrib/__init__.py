"""What joins the library to frameworks; each folder is for one and needs it installed."""

"""What keeps a fleet of workers whole: signs of life, and what is done for those who died."""

"""`lamlam pull`: fetch the model that another one is made of, and make it."""

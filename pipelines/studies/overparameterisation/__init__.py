"""How many epochs and seconds overparameterised embeddings take, against the plain one."""

"""Records of a run for people to watch it by: a log of figures, TensorBoard, and a picture."""

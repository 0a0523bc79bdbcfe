"""The same trainings by other means, each as fast as its users would reasonably write them (`make bench`)."""

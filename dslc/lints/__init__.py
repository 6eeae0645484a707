"""What the field knows: rules that speak of networks that are well typed and likely not what is meant."""

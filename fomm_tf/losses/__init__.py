"""The training losses (paper section 3.3), each a function of tensors."""

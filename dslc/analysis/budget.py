def check_budgets(model, sink): pass

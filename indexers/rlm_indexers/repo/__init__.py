"""Work trees, revisions and plain folders of code: which files belong to them, and what each holds."""

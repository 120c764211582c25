"""The review page: a small server over results folders, for describers and reviewers."""

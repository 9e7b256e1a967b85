"""The models a run may ask: litellm behind its only door, agent command lines, and a rule-based one for offline use."""

"""Who uses what in a corpus: worked out when asked for, from the facts of single documents."""

from rlm_indexers.relations.questions import Edges, Relations
from rlm_indexers.relations.resolve import Confidence, Edge, Resolver, Rule

__all__ = ["Confidence", "Edge", "Edges", "Relations", "Resolver", "Rule"]

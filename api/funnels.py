"""How far the visitors of some days have come, over all partitions."""

from functools import reduce

from agents.analytics.tables import ALL, funnel
from agents.analytics.visitor import Funnel, funnels_together
from api.analytics_bodies import FunnelBody, FunnelBucket, FunnelSteps
from api.edge import Edge
from api.stretches import Stretches


async def funnel_of(edge: Edge, days: Stretches) -> FunnelBody:
    """The funnel of each day, and their sum."""
    found = await edge.view("analytics", funnel).windows(ALL, days.windows)
    total = reduce(funnels_together, found.values(), Funnel())
    buckets = [FunnelBucket.of(one, start=day) for day, one in sorted(found.items())]
    return FunnelBody(from_=days.start, to=days.end, total=FunnelSteps.of(total), buckets=buckets)

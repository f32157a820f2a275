"""The edge under a large upload, and killed under load; `make prove-edge` has a gigabyte and twenty kills."""

from pathlib import Path

from tests.prove import killed_edge, upload
from tests.servers.address import RabbitMQ


async def test_an_upload_makes_the_edge_no_larger(rabbitmq_vhost: RabbitMQ, tmp_path: Path) -> None:
    seen = await upload.run(rabbitmq_vhost, tmp_path, 20 * upload.MB)
    assert seen.wrong() == [], seen.told()


async def test_what_the_edge_accepted_before_it_was_killed_is_in_the_log(
    rabbitmq_vhost: RabbitMQ, tmp_path: Path
) -> None:
    killed = await killed_edge.run(rabbitmq_vhost, tmp_path, kills=1, each_life=500)
    assert (killed.lost, killed.wrong) == (set(), [])
    assert killed.unanswered > 0, "the edge was not killed under load"

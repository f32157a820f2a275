"""The command `warren`."""

import click

from warren.cli.program import Program

COMMANDS = {
    "demo": ("warren.cli.demo:demo", "Run the whole shop in this process, with shoppers in it; needs no server."),
    "run": ("warren.cli.run:run", "Run all agents and the HTTP edge in this process."),
    "worker": ("warren.cli.run:worker", "Run the agents of some services."),
    "api": ("warren.cli.run:api", "Serve the HTTP edge alone."),
    "provider": ("warren.cli.provider:provider", "Serve a simulated payment provider."),
    "topology": ("warren.cli.topology:topology", "Check topology files, and bring a broker to what they say."),
    "stores": ("warren.cli.stores:stores", "Show and make the tables that services keep their state in."),
    "agents": ("warren.cli.agents:agents", "Show how far log agents have come; let them begin again."),
    "dead-letters": (
        "warren.cli.dead_letters:dead_letters",
        "Look at what no agent could handle; replay or discard it.",
    ),
    "accounts": ("warren.cli.accounts:accounts", "Make the first administrator; renew the keys of tokens."),
    "replay": ("warren.cli.replay:replay", "Send recorded orders through the pipeline and compare the figures."),
}
"""Subcommand -> where it is (`module:name`, imported when it is called) and what `warren --help` says about it."""


@click.group(
    cls=Program,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="warren", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="WARREN_DEBUG", help="Show tracebacks of errors.")
def main(debug: bool) -> None:
    """Stream processing on RabbitMQ.

    \b
    Examples:
      warren demo                                       the shop, with shoppers in it
      warren topology apply && warren stores apply      prepare servers, once
      warren run                                        the shop on them
    """

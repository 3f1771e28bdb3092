//! What the command line understands.

use clap::{Args, Parser, Subcommand};

/// HeyCMO: an AI chief marketing officer for the assistant you already use.
#[derive(Debug, Parser)]
#[command(
    name = "heycmo",
    version,
    after_help = "Without a command it serves. Settings come from the environment and from .env; .env.example lists them all.\n\n\
                  Examples:\n  heycmo\n  heycmo provision anna@example.com --brand-name Acme\n  heycmo key create anna@example.com --label laptop\n  heycmo doctor"
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the gateway and the MCP server in one process (the default).
    #[command(after_help = "Example:\n  HEYCMO_MCP_ADDR=127.0.0.1:9000 heycmo serve")]
    Serve,
    /// Make a customer and print their first key, this once.
    Provision(Provision),
    /// Make, list and revoke a customer's keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Stop and resume a customer's access.
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Check the configuration and the database, and say what to do.
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://heycmo@localhost/heycmo heycmo doctor")]
    Doctor,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  heycmo provision anna@example.com --brand-name Acme --website https://acme.example"
)]
pub struct Provision {
    /// The customer's e-mail address.
    pub email: String,
    /// The plan; pro when not given.
    #[arg(long)]
    pub plan: Option<String>,
    /// Name of the brand.
    #[arg(long)]
    pub brand_name: Option<String>,
    /// The brand's website.
    #[arg(long)]
    pub website: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, this once.
    Create(CreateKey),
    /// List a customer's keys.
    #[command(after_help = "Example:\n  heycmo key list anna@example.com")]
    List {
        /// E-mail address or id of the customer.
        customer: String,
    },
    /// Take a key out of use for good; what it opened ends at once.
    #[command(after_help = "Example:\n  heycmo key revoke anna@example.com key_01M851E88BEZS4E1V4ZSCPXFGH")]
    Revoke {
        /// E-mail address or id of the customer.
        customer: String,
        /// Id of the key, from `heycmo key list`.
        key: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  heycmo key create anna@example.com --label laptop --expires-in-days 90")]
pub struct CreateKey {
    /// E-mail address or id of the customer.
    pub customer: String,
    /// What to call the key.
    #[arg(long)]
    pub label: Option<String>,
    /// After how many days it stops working; never when not given.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub expires_in_days: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Stop a customer's access until it is resumed; open sessions end at once.
    #[command(after_help = "Example:\n  heycmo customer suspend anna@example.com")]
    Suspend {
        /// E-mail address or id of the customer.
        customer: String,
    },
    /// Give a suspended customer access again, with the same keys.
    #[command(after_help = "Example:\n  heycmo customer resume anna@example.com")]
    Resume {
        /// E-mail address or id of the customer.
        customer: String,
    },
}

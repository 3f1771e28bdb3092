//! What the command line understands.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use entity::scopes::Scope;
use entity::workflows::{RunStatus, Workflow};

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
    /// List, show, stop, resume and delete customers, and list those deleted.
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Look after Stripe's events and subscriptions.
    #[command(subcommand)]
    Billing(BillingCommand),
    /// Look after runs of workflows.
    #[command(subcommand)]
    Workflows(WorkflowsCommand),
    /// Scan a page for search engines and answer engines, and print the report. Nothing is stored.
    Scan(Scan),
    /// Check the configuration and the database, and say what to do.
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://heycmo@localhost/heycmo heycmo doctor")]
    Doctor,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  heycmo scan https://acme.example/pricing\n  heycmo scan acme.example --json\n  heycmo scan http://localhost:3000 --local"
)]
pub struct Scan {
    /// Address of the page.
    pub url: String,
    /// Print everything as JSON.
    #[arg(long)]
    pub json: bool,
    /// Also scan pages on this machine and its network, such as a site in development.
    #[arg(long)]
    pub local: bool,
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
#[command(
    after_help = "Example:\n  heycmo key create anna@example.com --label laptop --expires-in-days 90 --scopes read,write"
)]
pub struct CreateKey {
    /// E-mail address or id of the customer.
    pub customer: String,
    /// What to call the key.
    #[arg(long)]
    pub label: Option<String>,
    /// After how many days it stops working; never when not given.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub expires_in_days: Option<u16>,
    /// What it may do, between commas; everything when not given.
    #[arg(long, value_delimiter = ',', value_parser = scope())]
    pub scopes: Vec<Scope>,
}

#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// List every customer, newest first.
    #[command(after_help = "Example:\n  heycmo customer list")]
    List,
    /// Show a customer: status, subscriptions and keys.
    #[command(after_help = "Example:\n  heycmo customer show anna@example.com")]
    Show {
        /// E-mail address or id of the customer.
        customer: String,
    },
    /// Delete a customer and everything of theirs, for good.
    #[command(after_help = "Example:\n  heycmo customer delete anna@example.com --yes")]
    Delete {
        /// E-mail address or id of the customer.
        customer: String,
        /// Really do it; there is no way back.
        #[arg(long)]
        yes: bool,
    },
    /// List the customers that were deleted, by id alone, newest first.
    #[command(after_help = "Example:\n  heycmo customer deletions")]
    Deletions,
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

#[derive(Debug, Subcommand)]
pub enum BillingCommand {
    /// List the events that Stripe delivered, newest first, and how far we are with each.
    #[command(after_help = "Examples:\n  heycmo billing events\n  heycmo billing events --open")]
    Events {
        /// Only those that are not done: waiting, failing, or given up.
        #[arg(long)]
        open: bool,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
        limit: u16,
    },
    /// Handle an event again, whether it failed or is done. The running gateway does it within half a minute.
    #[command(after_help = "Example:\n  heycmo billing replay evt_1QabcdEFGH")]
    Replay {
        /// Stripe's id of the event, from `heycmo billing events`.
        id: String,
    },
    /// Compare every subscription with Stripe now, and correct ours.
    #[command(after_help = "Example:\n  heycmo billing reconcile")]
    Reconcile,
}

#[derive(Debug, Subcommand)]
pub enum WorkflowsCommand {
    /// List runs, newest first: everybody's, and the service's own.
    #[command(
        after_help = "Examples:\n  heycmo workflows list --status failed\n  heycmo workflows list --workflow onboarding --customer anna@example.com"
    )]
    List(ListRuns),
    /// Show a run: its steps, what it was asked, and what came of it.
    #[command(after_help = "Example:\n  heycmo workflows show run_01M851E88BEZS4E1V4ZSCPXFGH")]
    Show {
        /// Id of the run, from `heycmo workflows list`.
        run: String,
    },
    /// Ask for a run. A running gateway does it.
    #[command(
        after_help = "Examples:\n  heycmo workflows run housekeeping\n  heycmo workflows run onboarding anna@example.com"
    )]
    Run {
        /// What to run.
        #[arg(value_parser = workflow())]
        workflow: Workflow,
        /// E-mail address or id of the customer whose run it is; none for the service's own.
        customer: Option<String>,
    },
    /// End a run for good. What it has done stays.
    #[command(after_help = "Example:\n  heycmo workflows cancel run_01M851E88BEZS4E1V4ZSCPXFGH")]
    Cancel {
        /// Id of the run, from `heycmo workflows list`.
        run: String,
    },
    /// Ask for another run like one that failed or was cancelled.
    #[command(after_help = "Example:\n  heycmo workflows retry run_01M851E88BEZS4E1V4ZSCPXFGH")]
    Retry {
        /// Id of the run, from `heycmo workflows list --status failed`.
        run: String,
    },
}

#[derive(Debug, Args)]
pub struct ListRuns {
    /// Only of this workflow.
    #[arg(long, value_parser = workflow())]
    pub workflow: Option<Workflow>,
    /// Only those as far as this.
    #[arg(long, value_parser = run_status())]
    pub status: Option<RunStatus>,
    /// Only of the customer with this e-mail address or id.
    #[arg(long)]
    pub customer: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
}

fn scope() -> impl TypedValueParser<Value = Scope> {
    one_of(Scope::ALL, Scope::as_str)
}

fn workflow() -> impl TypedValueParser<Value = Workflow> {
    one_of(Workflow::ALL, Workflow::as_str)
}

fn run_status() -> impl TypedValueParser<Value = RunStatus> {
    one_of(RunStatus::ALL, RunStatus::as_str)
}

/// One of these by its name; others are refused with the list of names.
fn one_of<T, const N: usize>(all: [T; N], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let find = move |text: String| all.into_iter().find(|one| name(*one) == text).ok_or("is none of them");
    PossibleValuesParser::new(all.map(name)).try_map(find)
}

#![doc = include_str!("../README.md")]

mod billing;
mod cli;
mod doctor;
mod operator;
mod print;
mod sandbox;
mod scan;
mod serve;
mod welcome;
mod workflows;

use std::process::ExitCode;

use clap::Parser;
use web::config::Environment;
use web::process::exit_code;

use cli::{Arguments, BillingCommand, Command, CustomerCommand, KeyCommand, WorkflowsCommand};

#[tokio::main]
async fn main() -> ExitCode {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let arguments = Arguments::parse();
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(error) => return exit_code("heycmo", Err(error.to_string())),
    };
    let result = match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(&environment).await,
        Command::Provision(arguments) => operator::provision(&environment, arguments).await,
        Command::Key(KeyCommand::Create(arguments)) => operator::create_key(&environment, arguments).await,
        Command::Key(KeyCommand::List { customer }) => operator::list_keys(&environment, &customer).await,
        Command::Key(KeyCommand::Revoke { customer, key }) => operator::revoke_key(&environment, &customer, &key).await,
        Command::Customer(CustomerCommand::Suspend { customer }) => operator::suspend(&environment, &customer).await,
        Command::Customer(CustomerCommand::Resume { customer }) => operator::resume(&environment, &customer).await,
        Command::Customer(CustomerCommand::List) => operator::list_customers(&environment).await,
        Command::Customer(CustomerCommand::Show { customer }) => operator::show(&environment, &customer).await,
        Command::Customer(CustomerCommand::Delete { customer, yes }) => {
            operator::delete(&environment, &customer, yes).await
        }
        Command::Customer(CustomerCommand::Deletions) => operator::list_deletions(&environment).await,
        Command::Billing(BillingCommand::Events { open, limit }) => billing::events(&environment, open, limit).await,
        Command::Billing(BillingCommand::Replay { id }) => billing::replay(&environment, &id).await,
        Command::Billing(BillingCommand::Reconcile) => billing::reconcile(&environment).await,
        Command::Workflows(WorkflowsCommand::List(arguments)) => workflows::list(&environment, arguments).await,
        Command::Workflows(WorkflowsCommand::Show { run }) => workflows::show(&environment, &run).await,
        Command::Workflows(WorkflowsCommand::Run { workflow, customer }) => {
            workflows::run(&environment, workflow, customer.as_deref()).await
        }
        Command::Workflows(WorkflowsCommand::Cancel { run }) => workflows::cancel(&environment, &run).await,
        Command::Workflows(WorkflowsCommand::Retry { run }) => workflows::retry(&environment, &run).await,
        Command::Scan(arguments) => scan::scan(arguments).await,
        Command::Doctor => doctor::check(&environment).await,
    };
    exit_code("heycmo", result)
}

#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "a command-line tool")]

mod cli;
mod doctor;
mod operator;
#[allow(dead_code, reason = "served once the gateway sells subscriptions")]
mod sandbox;
mod serve;
mod welcome;

use std::process::ExitCode;

use clap::Parser;
use web::config::Environment;
use web::process::exit_code;

use cli::{Arguments, Command, CustomerCommand, KeyCommand};

#[tokio::main]
async fn main() -> ExitCode {
    // A missing .env is the normal case.
    let _ = dotenvy::dotenv();
    let environment = Environment::of_process();
    let result = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(&environment).await,
        Command::Provision(arguments) => operator::provision(&environment, arguments).await,
        Command::Key(KeyCommand::Create(arguments)) => operator::create_key(&environment, arguments).await,
        Command::Key(KeyCommand::List { customer }) => operator::list_keys(&environment, &customer).await,
        Command::Key(KeyCommand::Revoke { customer, key }) => operator::revoke_key(&environment, &customer, &key).await,
        Command::Customer(CustomerCommand::Suspend { customer }) => operator::suspend(&environment, &customer).await,
        Command::Customer(CustomerCommand::Resume { customer }) => operator::resume(&environment, &customer).await,
        Command::Doctor => doctor::check(&environment).await,
    };
    exit_code("heycmo", result)
}

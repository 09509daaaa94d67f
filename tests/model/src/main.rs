//! Searches each configuration, the large ones too, and says how many states it has; of a claim
//! that doesn't hold, the way there. `cargo run --release -p enlace-model [NAME…]`

use std::process::ExitCode;
use std::time::Instant;

use enlace_model::bounds::Bounds;
use enlace_model::network::Network;
use stateright::{Checker, HasDiscoveries, Model};

#[allow(clippy::print_stdout)]
fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let mut holds = true;
    for (name, bounds) in Bounds::NAMED {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            holds &= search(name, Network::new(bounds));
        }
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::print_stdout)]
fn search(name: &str, network: Network) -> bool {
    let began = Instant::now();
    let until = HasDiscoveries::AnyFailures;
    let checker = network.checker().finish_when(until).spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!(
        "{name}: {states} states, {steps} steps, {} deep, {:.1?}",
        checker.max_depth(),
        began.elapsed()
    );
    let mut holds = true;
    for property in network.properties() {
        let found = checker.discovery(property.name);
        let is_claim = property.expectation.discovery_is_failure();
        match found {
            Some(path) if is_claim => {
                println!("  broken: {}", property.name);
                path.into_actions().iter().for_each(|action| println!("    {action:?}"));
                holds = false;
            }
            None if !is_claim => {
                println!("  never reached: {}", property.name);
                holds = false;
            }
            Some(_) | None => {}
        }
    }
    holds
}

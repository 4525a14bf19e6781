//! What a run came to, for people: faults against outcomes, in Markdown.

use std::fmt::Write as _;

use strum::IntoEnumIterator as _;

use super::Outcome;
use crate::injection::{Kind, ONE_IN};

const SEEDS: &str = "\n| seed | faults | schedules fired | completed | in part | failed | tried again | rescued | deliveries failed | messages | pending | without report | left in progress | rows that differ | s |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";

const NOTES: &str = "
*Schedules fired* differ from seed to seed: what the provider could not tell is asked for again by a schedule of its own.
*Rescued* are runs that died and were not delivered again: a later run marks them as failed and says so, and has no report
of theirs to store. *Messages* are more than executions: a circuit's own two, a second where a run was killed between
sending and noting one, and one for each attempt that failed and was tried again. *Owed* and *without report* are counted
after two more daily routines, which nothing disturbs.
";

/// The whole page: what was run, the tables, and how to read them.
pub fn page(season: &str, outcomes: &[Outcome]) -> String {
    let seeds: Vec<String> = outcomes.iter().map(|outcome| outcome.seed.to_string()).collect();
    let seeds = match seeds.as_slice() {
        [first, .., last] => format!("the seeds {first} to {last}"),
        one => format!("the seed {}", one.concat()),
    };
    format!(
        "# Faults against outcomes\n\n\
         `local chaos` replays a season with faults drawn by seed around one delivery in {ONE_IN}, and compares the database at\n\
         the end with that of an undisturbed replay. What a seed draws for an event hangs on nothing but the seed and the\n\
         event, so that a seed that fails fails again. This page is written by the run itself (`make chaos`): {season}, {seeds}.\n\n\
         {}{NOTES}",
        table(outcomes)
    )
}

/// Faults and how often each was met, then the outcome of each seed.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from("| fault | what happens | met |\n|---|---|---:|\n");
    for kind in Kind::iter() {
        let met: usize = outcomes.iter().filter_map(|outcome| outcome.faults.get(&kind.to_string())).sum();
        // Writing to a string can't fail.
        let _ = writeln!(text, "| `{kind}` | {} | {met} |", kind.what());
    }
    text += SEEDS;
    for outcome in outcomes {
        let of = |status: &str| outcome.executions.get(status).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.0} |",
            outcome.seed,
            outcome.faults.values().sum::<usize>(),
            outcome.fired,
            of("completed"),
            of("partial_failure"),
            of("failed"),
            outcome.retried,
            outcome.rescued,
            outcome.failed_deliveries,
            outcome.notices,
            outcome.pending.len(),
            outcome.unreported,
            of("in_progress"),
            outcome.differences.len(),
            outcome.seconds,
        );
    }
    text
}

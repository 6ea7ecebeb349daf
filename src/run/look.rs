//! The commands that only look: a report again, the rules, a rule, completions, the manual.

use super::say;
use crate::classify::Class;
use crate::cli::{self, Cli, Format};
use crate::exit::{Ending, OK, UNSOUND, USAGE};
use crate::reading;
use crate::report::escape::{block, word};
use crate::report::table::{Style, render};
use crate::report::toml;
use crate::rules::{Comparison, Rule, Rules};
use clap::CommandFactory;
use std::path::Path;

/// `concadvise report`.
pub fn report(options: &cli::Report) -> Ending {
    let read = || {
        let text = reading::named(&options.file, toml::LONGEST).map_err(|why| why.to_string())?;
        let document = toml::read(&text)?;
        match options.format {
            Format::Table => Ok(render(&document, Style::default())),
            Format::Toml => toml::write(&document),
        }
    };
    let answer = read().map_err(|why: String| format!("cannot show {}: {why}", word(options.file.as_os_str())));
    tell(answer, USAGE)
}

/// `concadvise rules`.
pub fn rules(options: &cli::Rules) -> Ending {
    let answer = match options {
        cli::Rules::List { rules } => super::rules(rules.as_deref()).map(|rules| list(&rules)),
        cli::Rules::Show { id, rules } => super::rules(rules.as_deref()).and_then(|rules| show(&rules, id)),
        cli::Rules::Check { dir } => check(dir),
    };
    tell(answer, if matches!(options, cli::Rules::Check { .. }) { UNSOUND } else { USAGE })
}

/// `concadvise explain`.
pub fn explain(id: &str) -> Ending {
    let of_rule = || super::rules(None).and_then(|rules| show(&rules, id));
    tell(super::check::explain(id).map_or_else(of_rule, Ok), USAGE)
}

/// `concadvise completions`.
pub fn completions(shell: clap_complete::Shell) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "concadvise", &mut script);
    tell(Ok(String::from_utf8_lossy(&script).into_owned()), USAGE)
}

/// `concadvise man`.
pub fn man() -> Ending {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
    tell(rendered.map(|()| String::from_utf8_lossy(&page).into_owned()).map_err(|why| why.to_string()), USAGE)
}

fn check(dir: &Path) -> Result<String, String> {
    super::rules(Some(dir)).map(|_| format!("The rules in {} are sound.\n", word(dir.as_os_str())))
}

/// Every rule in the order in which it is asked, below its class: its id, and when it holds.
fn list(rules: &Rules) -> String {
    let mut page = String::new();
    let mut below: Option<Class> = None;
    for (class, rule) in rules.iter() {
        if below != Some(class) {
            page += &format!("{}{}\n", if below.is_some() { "\n" } else { "" }, class.name());
            below = Some(class);
        }
        page += &format!("  {:32} {}\n", rule.id, block(&when(rule)));
    }
    page
}

fn when(rule: &Rule) -> String {
    let asked = |asked: &Comparison| format!("{} {}", asked.fact.name, asked.threshold());
    let when: Vec<String> = rule.when.iter().map(asked).collect();
    if when.is_empty() { "otherwise".to_owned() } else { when.join(" and ") }
}

/// All that a rule says.
fn show(rules: &Rules, id: &str) -> Result<String, String> {
    let Some((class, rule)) = rules.iter().find(|(_, rule)| rule.id == id) else {
        return Err(format!("there is no rule {id}; `concadvise rules list` names them all"));
    };
    let admit: Vec<_> = rule.admit.iter().map(|model| model.name()).collect();
    let mut page = format!(
        "{}\n\n  class    {}\n  when     {}\n  admits   {}\n  workers  {}\n\n  {}\n",
        rule.id,
        class.name(),
        when(rule),
        admit.join(", "),
        rule.workers.name(),
        rule.reason
    );
    for advice in &rule.advice {
        page += &format!("  Also: {advice}\n");
    }
    if let Some(example) = &rule.example {
        page += &format!("\n  Example  {example}\n");
    }
    page += &format!("  Source   {}\n", rule.source);
    Ok(block(&page) + "\n")
}

/// Prints the answer; `trouble` is the status when there is none.
pub(super) fn tell(answer: Result<String, String>, trouble: u8) -> Ending {
    match answer.and_then(|text| say::out(&text)) {
        Ok(()) => Ending::Status(OK),
        Err(sentence) => {
            say::block(&sentence);
            Ending::Status(trouble)
        }
    }
}

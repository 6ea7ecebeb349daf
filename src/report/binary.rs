//! What native files are built on, as `check` shows it: for people, a line for each thing found; for programs, an
//! object for each file.

use super::escape;
use super::findings::shown;
use crate::source::project::Binary;
use crate::target::binary::{BinaryFacts, Evidence, Found, GoBuild, GoModule, Sighting};
use serde_json::{Value, json};
use std::fmt::Write;

/// A section for each file, each ended by an empty line.
pub fn render(binaries: &[Binary], colours: bool) -> String {
    let mut page = String::new();
    for Binary { path, facts } in binaries {
        let dress = |text: &str| if colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() };
        let _ = writeln!(page, "{}: {}", dress(&shown(path)), frame(facts));
        for found in &facts.native.inside.found {
            let _ = writeln!(page, "  {:<9} {}: {}", found.component.role().name(), title(found), evidence(found));
            if let Some(told) = told(found) {
                let _ = writeln!(page, "  {:<9} {told}", "");
            }
        }
        if let Some(go) = &facts.go {
            let _ = writeln!(page, "  {:<9} {}", "built", built(go));
        }
        if facts.native.inside.executors().next().is_none() {
            let _ = writeln!(page, "  {:<9} none was found", "executor");
        }
        for unknown in &facts.native.inside.unknown {
            let _ = writeln!(page, "  {:<9} {}", "unknown", escape::text(&unknown.to_string()));
        }
        page.push('\n');
    }
    page
}

/// What sort of file it is: `64-bit x86_64 executable, linked dynamically, names stripped`.
fn frame(facts: &BinaryFacts) -> String {
    let order = if facts.big_endian { " big-endian" } else { "" };
    let linked = match facts.kind {
        crate::target::binary::FileKind::Executable if facts.native.statically_linked => ", linked statically",
        crate::target::binary::FileKind::Executable => ", linked dynamically",
        _ => "",
    };
    let names = if facts.stripped { ", names stripped" } else { "" };
    let arch = escape::text(&facts.native.arch);
    format!("{}-bit{order} {arch} {}{linked}{names}", facts.bits, facts.kind.name())
}

fn title(found: &Found) -> String {
    escape::text(&found.title()).into_owned()
}

/// The surest sighting; how many others agree is for programs.
fn evidence(found: &Found) -> String {
    let Some(sighting) = found.sightings.first() else { return String::new() };
    let at = sighting.offset.map_or_else(String::new, |offset| format!(" at {offset:#x}"));
    let doubt = if sighting.evidence == Evidence::Text { ", if it is more than mentioned" } else { "" };
    format!("{} {}{at}{doubt}", sighting.evidence.name(), escape::text(&sighting.what))
}

/// How it is told its number of workers.
fn told(found: &Found) -> Option<String> {
    let knob = found.component.knob()?;
    let ways: Vec<&str> = knob.variable.into_iter().chain(knob.code).collect();
    (!ways.is_empty()).then(|| format!("its workers are set by {}", ways.join(" or ")))
}

fn built(go: &GoBuild) -> String {
    let module = |module: &GoModule| format!("{} {}", escape::text(&module.path), escape::text(&module.version));
    let from = go.package.as_ref().map_or_else(String::new, |package| format!("from {}", escape::text(package)));
    let of = go.module.as_ref().map_or_else(String::new, |of| format!(" of {}", module(of)));
    let on = match go.dependencies.len() {
        0 => "no modules".to_owned(),
        1 => "1 module".to_owned(),
        several => format!("{several} modules"),
    };
    format!("{from}{of} with {on}").trim_start().to_owned()
}

/// The files, for programs.
pub fn json(binaries: &[Binary]) -> Value {
    binaries.iter().map(|Binary { path, facts }| one(&shown(path), facts)).collect()
}

fn one(path: &str, facts: &BinaryFacts) -> Value {
    let native = &facts.native;
    json!({
        "path": path,
        "kind": facts.kind.name(),
        "arch": native.arch,
        "bits": facts.bits,
        "byte_order": if facts.big_endian { "big" } else { "little" },
        "statically_linked": native.statically_linked,
        "stripped": facts.stripped,
        "libraries": native.libraries,
        "components": native.inside.found.iter().map(component).collect::<Vec<_>>(),
        "go": facts.go.as_ref().map(go),
        "unknown": native.inside.unknown.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn component(found: &Found) -> Value {
    let knob = found.component.knob();
    json!({
        "name": found.component.name(),
        "role": found.component.role().name(),
        "version": found.version,
        "workers_variable": knob.and_then(|knob| knob.variable),
        "workers_code": knob.and_then(|knob| knob.code),
        "evidence": found.sightings.iter().map(sighting).collect::<Vec<_>>(),
    })
}

fn sighting(sighting: &Sighting) -> Value {
    json!({"kind": sighting.evidence.name(), "what": sighting.what, "offset": sighting.offset})
}

fn go(go: &GoBuild) -> Value {
    let module = |module: &GoModule| json!({"path": module.path, "version": module.version});
    let setting = |(name, value): &(String, String)| (name.clone(), json!(value));
    json!({
        "version": go.version,
        "package": go.package,
        "module": go.module.as_ref().map(module),
        "dependencies": go.dependencies.iter().map(module).collect::<Vec<_>>(),
        "settings": Value::Object(go.settings.iter().map(setting).collect()),
    })
}

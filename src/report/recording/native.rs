//! What a native program was found to be built on, in a recording.
//!
//! Recordings of before it was looked for read as [`Inside::default`]: nothing is known.

use crate::report::json::{Json, field, fields, variants};
use crate::target::Native;
use crate::target::binary::{Component, Evidence, Found, Inside, Sighting, Unknown};
use serde_json::{Value, json};

variants!(Unknown {
    NotRead,
    Packed,
    Nameless,
    Stripped,
    NoCrates,
    NoBuildInfo,
    OpensLibraries,
    Libraries(names),
    Cut { read, of },
    Damaged,
});
fields!(Inside { found, unknown });
fields!(Found { component, version, sightings });
fields!(Sighting { evidence, what, offset });

/// By hand, because of what a recording of before does not hold.
impl Json for Native {
    fn to_json(&self) -> Value {
        let Self { arch, statically_linked, libraries, inside } = self;
        json!({
            "arch": arch,
            "statically_linked": statically_linked,
            "libraries": libraries,
            "inside": inside.to_json(),
        })
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        let inside = if value.get("inside").is_some() { field(value, "inside")? } else { Inside::default() };
        Ok(Self {
            arch: field(value, "arch")?,
            statically_linked: field(value, "statically_linked")?,
            libraries: field(value, "libraries")?,
            inside,
        })
    }
}

/// Names from a list that is closed, as `named` has them.
fn one_of<T: Copy>(value: &Value, all: &[T], named: impl Fn(T) -> &'static str) -> Result<T, String> {
    let name = value.as_str().ok_or(": must be a text")?;
    all.iter().copied().find(|one| named(*one) == name).ok_or_else(|| ": is not a name that is known here".to_owned())
}

impl Json for Component {
    fn to_json(&self) -> Value {
        json!(self.name())
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        one_of(value, &Self::ALL, Self::name)
    }
}

impl Json for Evidence {
    fn to_json(&self) -> Value {
        json!(self.name())
    }
    fn from_json(value: &Value) -> Result<Self, String> {
        one_of(value, &Self::ALL, Self::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_reads_back_and_what_was_not_looked_for_is_not_known() -> Result<(), String> {
        let sighting = |evidence| Sighting { evidence, what: "GOMP_parallel".into(), offset: Some(7) };
        let found = |component, version: Option<&str>| Found {
            component,
            version: version.map(str::to_owned),
            sightings: Evidence::ALL.into_iter().rev().map(sighting).collect(),
        };
        let unknown =
            vec![Unknown::Stripped, Unknown::Libraries(vec!["libz.so.1".into()]), Unknown::Cut { read: 1, of: 2 }];
        let inside = Inside { found: Component::ALL.map(|component| found(component, Some("1.2"))).to_vec(), unknown };
        let mut native = Native { arch: "x86_64".into(), inside, ..Native::default() };
        assert_eq!(Native::from_json(&native.to_json())?, native);

        let mut before = native.to_json();
        before.as_object_mut().expect("an object").remove("inside");
        native.inside = Inside::default();
        assert_eq!(Native::from_json(&before)?, native);
        assert_eq!(native.inside.has(Component::OpenMp), None);

        before["inside"] = json!({"found": [{"component": "Cobol", "version": null, "sightings": []}], "unknown": []});
        let refused = Native::from_json(&before).expect_err("is none of ours");
        assert_eq!(refused, ".inside.found[0].component: is not a name that is known here");
        Ok(())
    }
}

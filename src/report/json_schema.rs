//! A type's JSON Schema as text, by draft 2020-12: the same bytes each time, because they are committed in `schemas/`.
//! What the keys are is for the types to say: `schema.rs` for reports, and the `shape.rs` of `rules` and of the gate.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of `T`, the file called `name`. Its `$id` names it and leads nowhere: there is no address to fetch it from.
pub fn of<T: JsonSchema>(name: &str) -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(as_toml_has_it).transform(&mut schema);
    schema.insert("$id".to_owned(), format!("urn:concadvise:{name}").into());
    schema.insert("title".to_owned(), format!("concadvise: {name}").into());
    let mut value = schema.to_value();
    // Whether maps keep their order is a feature that any dependency may turn on.
    value.sort_all_objects();
    format!("{value:#}\n")
}

/// TOML has no null: what is not there is left out. The widths of Rust's numbers, the defaults of a reader that fills in
/// what is missing, and where a line of ours ends say nothing to who writes the file.
fn as_toml_has_it(schema: &mut Schema) {
    if let Some(Value::String(about)) = schema.get_mut("description") {
        *about = about.replace('\n', " ");
    }
    schema.remove("format");
    schema.remove("default");
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    let Some(Value::Array(any)) = schema.get_mut("anyOf") else { return };
    any.retain(|one| one != &json!({ "type": "null" }));
    if let [Value::Object(one)] = any.as_slice() {
        let one = one.clone();
        schema.remove("anyOf");
        one.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
    }
}

/// Keys whose names end in `_share` hold numbers from 0 to 1.
pub fn bound_shares(schema: &mut Schema) {
    bound(schema, |name| name.ends_with("_share"));
}

/// Each key holds a number from 0 to 1.
pub fn bound_all(schema: &mut Schema) {
    bound(schema, |_| true);
}

fn bound(schema: &mut Schema, those: impl Fn(&str) -> bool) {
    let keys = schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for share in keys.filter(|(name, _)| those(name)).filter_map(|(_, share)| share.as_object_mut()) {
        share.insert("minimum".to_owned(), json!(0));
        share.insert("maximum".to_owned(), json!(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fill::tests::crowded;
    use crate::report::schema::Document;
    use crate::report::toml::write;

    fn value(text: &str) -> Value {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_report_with_all_that_there_may_be_is_valid() {
        let schema = value(&of::<Document>("report"));
        let text = write(&Document::of(&crowded())).expect("a report");
        let report: Value = toml::from_str(&text).expect("TOML");
        let wrong: Vec<String> = jsonschema::validator_for(&schema)
            .expect("a schema")
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_key_says_what_it_is_and_none_is_null() {
        fn check(at: &str, value: &Value) {
            if let Some(keys) = value["properties"].as_object() {
                let silent = |key: &&String| keys[*key]["description"].as_str().is_none_or(str::is_empty);
                assert_eq!(keys.keys().find(silent), None, "{at}");
            }
            assert!(value["type"] != "null" && !value["type"].is_array(), "{at}: {value}");
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| check(&format!("{at}/{key}"), value)),
                Value::Array(values) => values.iter().for_each(|value| check(at, value)),
                _ => {}
            }
        }
        check("", &value(&of::<Document>("report")));
    }

    #[test]
    fn the_same_type_makes_the_same_bytes() {
        assert_eq!(of::<Document>("report"), of::<Document>("report"));
    }
}

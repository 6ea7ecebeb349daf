//! Whether a document is what its standard says.
//!
//! `tests/fixtures/sarif-2.1.0.json` is the schema of the OASIS standard, byte for byte as the crate serde-sarif 0.8.0
//! carries it (MIT licence, Paul Sastrasinh; the standard's own text is under the OASIS IPR policy).

use jsonschema::Validator;
use serde_json::Value;

const SCHEMA: &str = include_str!("../fixtures/sarif-2.1.0.json");

/// Reads the schema.
pub fn validator() -> Validator {
    // One of the standard's own patterns is a regular expression in JavaScript's reading only; this is the same.
    let schema = SCHEMA.replace("[a-zA-Z]{2}]?$", r"[a-zA-Z]{2}\\]?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
    assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0"})), "a schema that refuses nothing");
    validator
}

/// Fails with every way in which the document is none.
pub fn check(validator: &Validator, document: &Value, of: &str) {
    let wrong = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    let errors: Vec<String> = validator.iter_errors(document).map(wrong).collect();
    assert!(errors.is_empty(), "{of}: {errors:#?}\n{document:#}");
}

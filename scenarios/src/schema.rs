//! What may stand in a world, a flow and a scenario file, for editors?
//!
//! The JSON Schemas come from the types the files are read into; their descriptions are the types' documentation.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use crate::file::flow::Flow;
use crate::file::scenario::ScenarioEntry;
use crate::file::world::World;

/// The schemas: the name of each file in `scenarios/schema/`, and its bytes.
pub fn schemas() -> Vec<(&'static str, String)> {
    vec![
        ("world.schema.json", schema::<World>()),
        ("flow.schema.json", schema::<Flow>()),
        ("scenario.schema.json", schema::<ScenarioEntry>()),
    ]
}

fn schema<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::schemas;

    #[test]
    fn the_schemas_have_not_drifted() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
        for (name, schema) in schemas() {
            let kept = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(kept == schema, "schema/{name} is not what the types say; write it anew with `cargo xtask schema`");
        }
    }
}

//! Every sample of `events/`, sent to its function in the order that they need, as `make lambda-check` does with the
//! deployed functions.

use local::lambda_check::{Options, run};
use local::tools::Tools;
use serde_json::Value;

#[tokio::test]
async fn every_sample_event_is_answered_by_its_function() {
    let tools = Tools::find().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        functions: tools.functions,
        chromium: tools.chromium,
        summary: dir.path().join("summary.json"),
        calls: dir.path().join("calls.json"),
    };
    run(&options).await.unwrap();
    let summary: Value = serde_json::from_slice(&std::fs::read(&options.summary).unwrap()).unwrap();
    let functions = summary["functions"].as_object().unwrap();
    assert_eq!(functions.len(), 6, "{summary:#}");
    for (name, figures) in functions {
        assert!(
            figures["init_ms"].is_number() && !figures["events"].as_array().unwrap().is_empty(),
            "{name}"
        );
    }
}

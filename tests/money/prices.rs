//! Newer prices while the gateway runs.

use serde_json::{Value, json};

use crate::host::Stage;
use crate::stage;

fn table(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/prices/{name}.mpt", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_newer_price_table_is_taken_and_a_bad_one_is_refused() {
    let mut stage = stage();
    let quote = json!({"model": "together_ai/Qwen/Qwen3.5-397B-A17B", "input_tokens": 1_000_000, "output_tokens": 0});
    let cost = |stage: &Stage| stage.ask("POST", "/cost/estimate", &[], quote.to_string().as_bytes()).json();
    let built_in = stage.gateway.prices().len();
    assert_eq!(cost(&stage)["cost_per_request"], Value::Null);
    stage.gateway.take_prices(table("full")).unwrap();
    assert!(stage.gateway.prices().len() > 2 * built_in);
    let known = cost(&stage);
    assert!(known["cost_per_request"].as_f64().unwrap() > 0.0, "{known}");

    let mut damaged = table("full");
    damaged[5_000] ^= 1;
    let mut old = table("core");
    // The day stands behind the checksum: FNV-1a of all from there on.
    old[14..18].copy_from_slice(&20_000_u32.to_le_bytes());
    let sum = old[14..]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    old[6..14].copy_from_slice(&sum.to_le_bytes());
    for (bytes, words) in [
        (damaged, "cut or damaged"),
        (table("full")[..9_000].to_vec(), "cut or damaged"),
        (b"<html>not found</html>".to_vec(), "without its mark"),
        (old, "older than the built-in one"),
        (vec![], "without its mark"),
    ] {
        let error = stage.gateway.take_prices(bytes).unwrap_err();
        assert!(error.message().contains(words), "{error}");
        assert_eq!(cost(&stage), known, "the table before stays");
    }
}

#[test]
fn a_gateway_takes_over_the_prices_of_the_one_before() {
    let mut former = stage();
    former.gateway.take_prices(table("full")).unwrap();
    let mut stage = stage();
    stage.gateway.keep_data_of(&former.gateway);
    assert_eq!(stage.gateway.prices().len(), former.gateway.prices().len());
}

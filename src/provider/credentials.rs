//! Parameters that belong to one cloud (credentials, regions, projects): their names, and the variables that may hold them.

use super::registry::Row;
use super::{Facts, Settings, Target};
use crate::openai::ChatRequest;

/// A parameter, and the variables that stand in for it, in order.
pub type Parameter = (&'static str, &'static [&'static str]);

/// Every parameter of `litellm_params` that a dialect reads by [`super::Target::param`]; none of them goes upstream as it
/// stands.
pub(crate) const PARAMS: &str = "\
account_id aws_access_key_id aws_bedrock_runtime_endpoint aws_external_id aws_region_name aws_role_name \
aws_secret_access_key aws_session_name aws_session_token aws_sts_endpoint aws_web_identity_token azure_ad_token \
azure_password azure_scope azure_username client_id client_secret project_id region_name space_id tenant_id token \
vertex_ai_credentials vertex_ai_location vertex_ai_project vertex_credentials vertex_location vertex_project \
watsonx_region_name zen_api_key";

const AWS: &[Parameter] = &[
    ("aws_access_key_id", &["AWS_ACCESS_KEY_ID"]),
    ("aws_secret_access_key", &["AWS_SECRET_ACCESS_KEY"]),
    ("aws_session_token", &["AWS_SESSION_TOKEN"]),
    ("aws_region_name", &["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]),
    ("aws_role_name", &["AWS_ROLE_NAME"]),
    ("aws_bedrock_runtime_endpoint", &["AWS_BEDROCK_RUNTIME_ENDPOINT"]),
];

const AZURE: &[Parameter] = &[
    ("azure_ad_token", &["AZURE_AD_TOKEN"]),
    ("tenant_id", &["AZURE_TENANT_ID"]),
    ("client_id", &["AZURE_CLIENT_ID"]),
    ("client_secret", &["AZURE_CLIENT_SECRET"]),
    ("azure_scope", &["AZURE_SCOPE"]),
    ("azure_username", &["AZURE_USERNAME"]),
    ("azure_password", &["AZURE_PASSWORD"]),
    ("azure_authority_host", &["AZURE_AUTHORITY_HOST"]),
    ("azure_api_version", &["AZURE_API_VERSION"]),
];

const CLOUDFLARE: &[Parameter] = &[("account_id", &["CLOUDFLARE_ACCOUNT_ID"])];

const DATABRICKS: &[Parameter] =
    &[("client_id", &["DATABRICKS_CLIENT_ID"]), ("client_secret", &["DATABRICKS_CLIENT_SECRET"])];

const SNOWFLAKE: &[Parameter] = &[("account_id", &["SNOWFLAKE_ACCOUNT_ID"])];

const VERTEX: &[Parameter] = &[
    ("vertex_project", &["VERTEXAI_PROJECT", "VERTEX_PROJECT"]),
    ("vertex_location", &["VERTEXAI_LOCATION", "VERTEX_LOCATION"]),
    ("vertex_credentials", &["VERTEXAI_CREDENTIALS", "VERTEX_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"]),
];

const WATSONX: &[Parameter] = &[
    ("project_id", &["WATSONX_PROJECT_ID", "WX_PROJECT_ID"]),
    ("space_id", &["WATSONX_DEPLOYMENT_SPACE_ID", "WATSONX_SPACE_ID", "WX_SPACE_ID"]),
    ("watsonx_region_name", &["WATSONX_REGION", "WX_REGION"]),
    ("token", &["WATSONX_TOKEN"]),
    ("watsonx_iam_url", &["WATSONX_IAM_URL"]),
    ("zen_api_key", &["WATSONX_ZENAPIKEY"]),
];

/// The parameters of a provider that variables may hold.
pub fn of(provider: &str) -> &'static [Parameter] {
    match provider {
        "azure" | "azure_ai" | "azure_text" => AZURE,
        "bedrock" | "bedrock_mantle" | "sagemaker" | "sagemaker_chat" => AWS,
        "cloudflare" => CLOUDFLARE,
        "databricks" => DATABRICKS,
        "snowflake" => SNOWFLAKE,
        "vertex_ai" | "vertex_ai_beta" => VERTEX,
        "watsonx" | "watsonx_text" => WATSONX,
        _ => &[],
    }
}

/// Steps that must all be taken; for each one of several variables.
pub type Way = Vec<&'static [&'static str]>;

/// The ways to a provider's credential by variables, the usual one first: of one way, each step needs one of its variables.
/// A provider that asks for nothing has one way without steps.
pub fn ways(row: &Row) -> Vec<Way> {
    let address = || [row.bases].into_iter().filter(|bases| row.base.is_empty() && !bases.is_empty());
    if others(row.name).is_empty() && (row.keys.is_empty() || is_open(row)) {
        return vec![address().collect()];
    }
    let key = [row.keys].into_iter().filter(|keys| !keys.is_empty()).map(|keys| vec![keys]);
    let clouds = others(row.name).iter().map(|names| {
        let parameters = of(row.name).iter().filter(|(name, _)| names.contains(name));
        parameters.map(|(_, variables)| *variables).collect()
    });
    key.chain(clouds).map(|way: Way| way.into_iter().chain(address()).collect()).collect()
}

/// Parameters that together are a credential, beside a key.
fn others(provider: &str) -> &'static [&'static [&'static str]] {
    match provider {
        "azure" | "azure_ai" | "azure_text" => &[&["azure_ad_token"], &["tenant_id", "client_id", "client_secret"]],
        "bedrock" | "sagemaker" | "sagemaker_chat" => &[&["aws_access_key_id", "aws_secret_access_key"]],
        "databricks" => &[&["client_id", "client_secret"]],
        "vertex_ai" | "vertex_ai_beta" => &[&["vertex_credentials"]],
        _ => &[],
    }
}

/// Whether a request to it is written without a key.
fn is_open(row: &Row) -> bool {
    let settings = Settings::default();
    let target = Target {
        provider: row.name,
        api_base: row.base.is_empty().then_some("https://localhost/v1"),
        default_base: row.base,
        model: "m",
        key: None,
        token: None,
        settings: &settings,
        facts: Facts::default(),
        call_id: "",
        now: 0,
    };
    let chat = ChatRequest::parse(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#);
    chat.is_ok_and(|chat| row.dialect.chat(&target, &chat).is_ok())
}

/// Every variable that may hold a parameter of a cloud.
pub fn variables() -> impl Iterator<Item = &'static str> {
    let all = [AWS, AZURE, CLOUDFLARE, DATABRICKS, SNOWFLAKE, VERTEX, WATSONX];
    all.into_iter().flatten().flat_map(|(_, variables)| variables.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::registry;

    #[test]
    fn the_ways_to_a_credential_are_those_that_the_dialect_asks_for() {
        for (provider, told) in [
            ("openai", r#"[[["OPENAI_API_KEY"]]]"#),
            ("mock", "[[]]"),
            (
                "azure",
                concat!(
                    r#"[[["AZURE_API_KEY","AZURE_OPENAI_API_KEY"],["AZURE_API_BASE","AZURE_OPENAI_ENDPOINT"]],"#,
                    r#"[["AZURE_AD_TOKEN"],["AZURE_API_BASE","AZURE_OPENAI_ENDPOINT"]],"#,
                    r#"[["AZURE_TENANT_ID"],["AZURE_CLIENT_ID"],["AZURE_CLIENT_SECRET"],"#,
                    r#"["AZURE_API_BASE","AZURE_OPENAI_ENDPOINT"]]]"#,
                ),
            ),
            ("lm_studio", r#"[[["LM_STUDIO_API_BASE"]]]"#),
            ("bedrock", r#"[[["AWS_BEARER_TOKEN_BEDROCK"]],[["AWS_ACCESS_KEY_ID"],["AWS_SECRET_ACCESS_KEY"]]]"#),
            (
                "databricks",
                concat!(
                    r#"[[["DATABRICKS_API_KEY"],["DATABRICKS_API_BASE"]],"#,
                    r#"[["DATABRICKS_CLIENT_ID"],["DATABRICKS_CLIENT_SECRET"],["DATABRICKS_API_BASE"]]]"#,
                ),
            ),
        ] {
            let row = registry::find(provider).unwrap();
            assert_eq!(serde_json::to_string(&ways(row)).unwrap(), told, "{provider}");
        }
    }

    #[test]
    fn every_parameter_of_a_way_has_a_variable() {
        for row in registry::PROVIDERS {
            for names in others(row.name) {
                assert!(names.iter().all(|name| of(row.name).iter().any(|(own, _)| own == name)), "{row:?}");
            }
        }
    }
}

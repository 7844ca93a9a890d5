//! Parameters that belong to one cloud (credentials, regions, projects): their names, and the variables that may hold them.

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
        "databricks" => DATABRICKS,
        "snowflake" => SNOWFLAKE,
        "vertex_ai" | "vertex_ai_beta" => VERTEX,
        "watsonx" | "watsonx_text" => WATSONX,
        _ => &[],
    }
}

/// Every variable that may hold a parameter of a cloud.
pub fn variables() -> impl Iterator<Item = &'static str> {
    let all = [AWS, AZURE, DATABRICKS, SNOWFLAKE, VERTEX, WATSONX];
    all.into_iter().flatten().flat_map(|(_, variables)| variables.iter().copied())
}

// Stands for the environment: no key is ever asked for, so that each variable has a value that is plainly none.

const OWN = {
  AWS_ACCESS_KEY_ID: "your-access-key-id",
  AWS_REGION: "us-east-1",
  AWS_SECRET_ACCESS_KEY: "your-secret-access-key",
  AZURE_AI_API_BASE: "https://your-resource.services.ai.azure.com",
  AZURE_API_BASE: "https://your-resource.openai.azure.com",
  CLOUDFLARE_API_BASE: "https://api.cloudflare.com/client/v4/accounts/your-account/ai/v1",
  DATABRICKS_API_BASE: "https://your-workspace.cloud.databricks.com/serving-endpoints",
  VERTEXAI_LOCATION: "us-central1",
  VERTEXAI_PROJECT: "your-project",
};

// Those that log in another way than by a key, where one would be chosen before the other.
const UNSET = /^TOLLGATE_|^LITELLM_(MASTER|SALT)|CLIENT_SECRET|SESSION_TOKEN|CREDENTIALS|BEARER_TOKEN|AD_TOKEN|PASSWORD|OIDC/;

/** The environment for a configuration: `known` names that the gateway reads by itself, and those of `os.environ/…`. */
export function variables(config, known) {
  const named = new Set([...JSON.stringify(config).matchAll(/os\.environ\/(\w+)/g)].map(([, name]) => name));
  const value = (name) => {
    if (name in OWN) return OWN[name];
    if (UNSET.test(name) && !named.has(name)) return undefined;
    if (/BASE|URL|ENDPOINT|HOST/.test(name)) return named.has(name) ? "https://your-host.example" : undefined;
    return named.has(name) || /_(KEY|TOKEN|PAT)$/.test(name) ? "your-key" : undefined;
  };
  return Object.fromEntries([...known, ...named].map((name) => [name, value(name)]));
}

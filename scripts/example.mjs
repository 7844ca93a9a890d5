// Writes a first request that works against the running configuration.

const REFERENCE = "os.environ/";

/** The master key as `{ value, name }` (`name`: the variable that holds it); `undefined` where the config has none. */
export function masterKey(config, found) {
  const setting = config.general_settings?.master_key;
  if (typeof setting !== "string" || !setting) {
    return found.LITELLM_MASTER_KEY ? { value: found.LITELLM_MASTER_KEY, name: "LITELLM_MASTER_KEY" } : undefined;
  }
  if (!setting.startsWith(REFERENCE)) return { value: setting };
  const name = setting.slice(REFERENCE.length);
  return found[name] ? { value: found[name], name } : undefined;
}

/** The first model of the config that needs no variable that is missing; else the one that always answers. */
function model(config, found) {
  const usable = (entry) => {
    const { model_name: name, litellm_params: params = {} } = entry ?? {};
    if (typeof name !== "string" || name.includes("*") || typeof params.model !== "string") return false;
    if (params.mock_response || params.model.startsWith("mock/")) return true;
    const key = params.api_key;
    if (typeof key !== "string") return false;
    return !key.startsWith(REFERENCE) || key.slice(REFERENCE.length) in found;
  };
  const list = Array.isArray(config.model_list) ? config.model_list : [];
  return list.find(usable)?.model_name ?? "mock/echo";
}

/** A curl command that can be pasted into this system's terminal. */
export function example(url, config, found, key, platform = process.platform) {
  const body = JSON.stringify({ model: model(config, found), messages: [{ role: "user", content: "hello" }] });
  const address = `${url}/v1/chat/completions`;
  if (platform === "win32") {
    const auth = key ? ` -H "authorization: Bearer ${key.value}"` : "";
    return `curl.exe ${address}${auth} -H "content-type: application/json" -d "${body.replaceAll('"', '\\"')}"`;
  }
  // A key that the shell has under a name is not shown.
  const shown = key?.name && process.env[key.name] === key.value ? `$${key.name}` : key?.value;
  const auth = key ? ` -H "authorization: Bearer ${shown}"` : "";
  return `curl ${address}${auth} -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'`;
}

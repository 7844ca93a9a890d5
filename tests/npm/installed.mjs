// For tests of `npx tollgate` as it would be published: the installed package, started by its bin.

import assert from "node:assert/strict";
import { delimiter, dirname, join } from "node:path";

import { MASTER_KEY, wildcards } from "../worker/sdk.mjs";
import { UPSTREAM_KEY, startProviders } from "../worker/upstream.mjs";
import { served } from "./command.mjs";
import { newProject } from "./project.mjs";

/**
 * Answers a function that serves before the providers until the end of its `t`: `{ url, key, upstream, project }`. `house` is
 * a model of OpenAI's, and every `provider/model` is there.
 */
export async function npxTollgate() {
  const { project, write } = await newProject();
  return async (t) => {
    const upstream = await startProviders();
    const house = { model_name: "house", litellm_params: { model: "openai/gpt-4o", api_base: upstream.url, api_key: UPSTREAM_KEY } };
    const config = {
      model_list: [house, ...wildcards(upstream.url)],
      router_settings: { num_retries: 0 },
      general_settings: { master_key: MASTER_KEY },
    };
    write("config.yaml", JSON.stringify(config));
    // The bin asks the PATH for a node: this one.
    const env = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
    const program = process.platform === "win32" ? undefined : join(project, "node_modules", ".bin", "tollgate");
    const { url, child, ended } = await served([], { cwd: project, env, program });
    t.after(async () => {
      child.kill("SIGTERM");
      const code = await ended;
      await upstream.stop();
      assert.equal(code, 0);
    });
    return { url, key: MASTER_KEY, upstream, project };
  };
}

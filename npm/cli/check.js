// tollgate check: what is wrong with a configuration.

import { configured } from "./serve.js";
import { readOptions } from "./options.js";

export const HELP = `tollgate check: checks a configuration without serving it.

Usage: tollgate check [FILE]      (default config.yaml)

Each mistake is a line \`file:line: field: what is wrong, and the mend\`; a setting of LiteLLM's without effect here is a
warning. The exit code is 1 where there is a mistake.
`;

export async function run(args) {
  const { rest } = readOptions(args, {}, 1);
  const path = rest[0] ?? "config.yaml";
  configured(path);
  console.log(`${path}: no errors`);
}

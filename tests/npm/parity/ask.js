// One case of parity through a Gateway of the package, in Node, in a page and in a Worker alike.

const NOW = 1_700_000_000_000;

/** The numbers that tests/gateway/host.rs draws. */
function draws() {
  let state = 1n;
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state & ~0x7ffn) / 2 ** 64;
  };
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** What upstreams answer, one after the other; the last one again to whoever asks again. */
export function upstreams(answers) {
  let next = 0;
  return () => {
    const { status, headers, body } = answers[Math.min(next++, answers.length - 1)];
    return new Response(unhex(body), { status, headers });
  };
}

/** A request as the outcomes show it. */
export const seen = (method, url, headers, body) => ({ method, url, headers, body: hex(body ?? []) });

/** Asks a gateway for a case's answer. */
export async function answered(fetcher, { path, request }) {
  const headers = { "content-type": "application/json" };
  const answer = await fetcher(`http://127.0.0.1:4000${path}`, { method: "POST", headers, body: request });
  const body = hex(new Uint8Array(await answer.arrayBuffer()));
  return { status: answer.status, headers: [...answer.headers], body };
}

/** A case through a gateway of its own: `{ name, sent, status, headers, body }`. */
export async function ask(Gateway, wanted) {
  const sent = [];
  const upstream = upstreams(wanted.upstream);
  const gateway = new Gateway({
    config: wanted.config,
    open: true,
    env: { OPENAI_API_KEY: "sk-upstream-secret-key" },
    now: () => NOW,
    random: draws(),
    fetch: async (url, { method, headers, body }) => {
      const own = headers.filter(([name]) => name !== "accept-encoding");
      sent.push(seen(method, url, own, body));
      return upstream();
    },
  });
  const answer = await answered(gateway.fetch, wanted);
  await gateway.close();
  return { name: wanted.name, sent, ...answer };
}

/** Cases as lines of JSON through a gateway each; the outcomes as lines. */
export async function askAll(Gateway, lines) {
  const outcomes = [];
  for (const line of lines.split("\n")) outcomes.push(JSON.stringify(await ask(Gateway, JSON.parse(line))));
  return outcomes.join("\n");
}

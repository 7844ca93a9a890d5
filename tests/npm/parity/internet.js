// The Worker around the gateways of parity: it asks them, and it is the internet that they send to.

import { WorkerEntrypoint } from "cloudflare:workers";

import { answered, seen, upstreams } from "./ask.js";

// Of the case that is under way: one after the other.
let sent;
let upstream;

/** Each line is `{ gateway, …case }`; answers the outcomes as lines, with the seconds in which they came about. */
export default class extends WorkerEntrypoint {
  async fetch(request) {
    const outcomes = [];
    for (const line of (await request.text()).split("\n")) {
      const { gateway, name, ...wanted } = JSON.parse(line);
      sent = [];
      upstream = upstreams(wanted.upstream);
      const started = Math.floor(Date.now() / 1000);
      const answer = await answered((...given) => this.env[gateway].fetch(...given), wanted);
      const seconds = [started, Math.floor(Date.now() / 1000)];
      outcomes.push(JSON.stringify({ name, sent, ...answer, seconds }));
    }
    return new Response(outcomes.join("\n"));
  }
}

/** What every address of the network leads to. */
export class Internet extends WorkerEntrypoint {
  async fetch(request) {
    const body = new Uint8Array(await request.arrayBuffer());
    sent.push(seen(request.method, request.url, [...request.headers], body));
    return upstream();
  }
}

/** The binding of Workers AI. */
export class Models extends WorkerEntrypoint {
  async run(model, input) {
    const body = new TextEncoder().encode(JSON.stringify(input));
    sent.push(seen("POST", `binding:AI/${model}`, [], body));
    return upstream();
  }
}

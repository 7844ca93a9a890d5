// The process that gateway.mjs starts: one gateway, told what to serve and when to stop by messages.

import { openGateway } from "../../scripts/gateway.mjs";

process.once("message", async (options) => {
  try {
    const gateway = await openGateway({ ...options, log: (line) => process.send({ log: line }) });
    const end = async () => {
      await gateway.stop();
      process.exit(0);
    };
    process.on("message", async (message) => {
      if (message !== "check") return end();
      await gateway.check();
      process.send({ checked: true });
    });
    // The test that started this is gone.
    process.on("disconnect", end);
    process.send({ url: gateway.url });
  } catch (error) {
    process.send({ error: error.message }, () => process.exit(1));
  }
});

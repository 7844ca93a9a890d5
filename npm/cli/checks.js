// Health checks in the background, for as long as a server runs.

/**
 * Has a gateway ask its deployments now and as often as its configuration says; answers what ends that. `log` gets what
 * goes wrong, `timer` and `clear` are setTimeout and clearTimeout.
 */
export function checkRegularly(gateway, { log = console.error, timer = setTimeout, clear = clearTimeout } = {}) {
  const interval = gateway.checkInterval;
  let next;
  let over = !interval;
  const round = async () => {
    try {
      await gateway.checkDeployments();
    } catch (problem) {
      log(`warning: health checks: ${problem.message}`);
    }
    if (over) return;
    next = timer(round, interval);
    // It is no reason for a program to go on that has nothing else to do.
    next?.unref?.();
  };
  if (!over) void round();
  return () => {
    over = true;
    clear(next);
  };
}

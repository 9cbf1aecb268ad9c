/** A duration as people read it: `0.8 s`, `42 s`, `3 min 20 s`. */
export function duration(ms) {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Says what begins, does it, and says how long it took; on a terminal in one line, else in two. */
export async function phase(title, act) {
  const startedMs = performance.now();
  if (process.stdout.isTTY) process.stdout.write(`  ${title} …`);
  else console.log(`  ${title} …`);
  let outcome = "failed";
  try {
    const result = await act();
    outcome = typeof result === "string" ? result : "done";
    return result;
  } finally {
    const line = `  ${title}: ${outcome}, ${duration(performance.now() - startedMs)}`;
    console.log(process.stdout.isTTY ? `\r\x1b[K${line}` : line);
  }
}

import { describe, expect, it } from "vitest";
import { WorkerThreads } from "./worker-threads.ts";

const source = `import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ id, request }) => {
    if (request === "die") process.exit(3);
    parentPort.postMessage({ id, reply: request });
  });`;
const script = new URL(`data:text/javascript,${encodeURIComponent(source)}`);

describe("worker threads of an act", () => {
  it("fail what they are asked after one died, instead of never answering", async () => {
    await using threads = new WorkerThreads<string, string>(script, 1);
    expect(await threads.run("still there")).toBe("still there");
    const asked = [threads.run("die"), threads.run("behind it"), threads.run("waiting for room")];
    const failed = { status: "rejected", reason: { code: "internal" } };
    expect(await Promise.allSettled(asked)).toMatchObject([failed, failed, failed]);
    await expect(threads.run("later")).rejects.toMatchObject({ code: "internal" });
  });

  it("fail, too, when one died before it was asked anything", async () => {
    await using threads = new WorkerThreads<string, string>(new URL("data:text/javascript,process.exit(3)"), 1);
    threads.warmUp();
    await expect(threads.run("first")).rejects.toMatchObject({ code: "internal" });
    await expect(threads.run("second")).rejects.toMatchObject({ code: "internal" });
  });
});

import { keptWorkers } from "@tidemark/kit/worker-shelf";
import { describe, expect, it } from "vitest";
import { WorkerThreads } from "./worker-threads.ts";

const source = `import { parentPort, threadId } from "node:worker_threads";
  let rests = 0;
  parentPort.on("message", ({ id, request, rest }) => {
    if (request === "die" || (rest && request === undefined && globalThis.diesAtRest)) process.exit(3);
    if (request === "die later") globalThis.diesAtRest = true;
    if (request === "never") return;
    if (rest) rests++;
    parentPort.postMessage({ id, reply: request === "who" ? threadId + " rested " + rests : request });
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

  const who = async (): Promise<readonly [string, number]> => {
    await using threads = new WorkerThreads<string, string>(script, 1);
    const [id = "", , rests] = (await threads.run("who")).split(" ");
    return [id, Number(rests)];
  };

  it("are there for the next act, after they were told that the one before is over", async () => {
    await keptWorkers.clear();
    const [first] = await who();
    expect(await who()).toEqual([first, 1]);
    expect(await who()).toEqual([first, 2]);
    await keptWorkers.clear();
    const [other, rests] = await who();
    expect(other).not.toBe(first);
    expect(rests).toBe(0);
  });

  it("are not used again when they were at work at the end of the act, or did not live to say that it is over", async () => {
    await keptWorkers.clear();
    for (const last of ["never", "die later"]) {
      const before = await who();
      const threads = new WorkerThreads<string, string>(script, 1);
      const asked = threads.run(last).catch((error: unknown) => error);
      if (last === "die later") await asked;
      // As soon as it was sent: closing must not find a thread that has nothing to do yet.
      await Promise.resolve();
      await threads.close();
      if (last === "never") expect(await asked).toMatchObject({ code: "internal" });
      const [after, rests] = await who();
      expect(after).not.toBe(before[0]);
      expect(rests).toBe(0);
    }
  });

  it("of which two work for two of kin, each has its own while it has to do, and both help at the end", async () => {
    await keptWorkers.clear();
    await using threads = new WorkerThreads<string, string>(script, 2);
    threads.warmUp();
    const ask = async (kin: number) => await (await threads.start("who", [], kin)).reply;
    const all = await Promise.all([ask(0), ask(1), ask(0), ask(1)]);
    const [first, second, third, fourth] = all.map((answer) => answer.split(" ")[0]);
    expect([third, fourth]).toEqual([first, second]);
    expect(first).not.toBe(second);
    const alone = await Promise.all([ask(1), ask(1), ask(1), ask(1)]);
    expect(new Set(alone.map((answer) => answer.split(" ")[0])).size).toBe(2);
  });
});

import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { AppError } from "@tidemark/kit";
import { type TempDir, tempDir, waitFor } from "@tidemark/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { identityOf } from "../push/file-identity.ts";
import type { PushedWal } from "../push/push-wal.ts";
import { PushQueue } from "./push-queue.ts";

const segment = (number: number): string => `0000000100000000${number.toString(16).toUpperCase().padStart(8, "0")}`;

describe("PushQueue", () => {
  let dir: TempDir;
  let begun: string[];
  let acknowledged: Map<string, string>;
  let failures: string[];
  /** Pushes wait for these; missing ones do not wait. */
  let gates: Map<string, Promise<void>>;
  let refused: Set<string>;
  let queue: PushQueue;

  beforeEach(async () => {
    dir = await tempDir("queue");
    await mkdir(dir.join("archive_status"));
    begun = [];
    acknowledged = new Map();
    failures = [];
    gates = new Map();
    refused = new Set();
    queue = new PushQueue({
      push,
      acknowledge: async ({ name, identity }) => void acknowledged.set(name, identity),
      forget: async (name) => void acknowledged.delete(name),
      parallel: 2,
      onPushed: () => undefined,
      onAheadFailed: (path) => failures.push(path),
    });
  });
  afterEach(async () => {
    await queue.stop();
    await dir[Symbol.asyncDispose]();
  });

  async function push(path: string): Promise<PushedWal> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    begun.push(name);
    const identity = await identityOf(path);
    await gates.get(name);
    if (refused.has(name)) throw new AppError("storage-unreachable", { message: `${name} has nowhere to go` });
    return { name, outcome: "stored", identity };
  }

  async function ready(...names: string[]): Promise<void> {
    for (const name of names) {
      await writeFile(dir.join(name), `bytes of ${name}`);
      await writeFile(dir.join("archive_status", `${name}.ready`), "");
    }
  }

  it("pushes what lies ready besides, histories first, and acknowledges it", async () => {
    await ready(segment(3), segment(1), segment(2), "00000002.history");
    await writeFile(dir.join("archive_status", "strange.ready"), "");
    await queue.ask(dir.join(segment(1)));
    await waitFor(() => acknowledged.size === 3, { what: "three files to be pushed ahead" });
    expect([...acknowledged.keys()].sort()).toEqual([segment(2), segment(3), "00000002.history"].sort());
    expect(begun.toSorted()).toEqual([...new Set(begun)].sort());
    // Two are pushed at a time: the history and a segment begin together, and the other segment after them.
    expect(begun.indexOf("00000002.history")).toBeLessThan(begun.indexOf(segment(3)));
    expect(acknowledged.get(segment(2))).toBe(await identityOf(dir.join(segment(2))));
  });

  it("pushes a file once however many ask", async () => {
    await ready(segment(1));
    await Promise.all([1, 2, 3].map(() => queue.ask(dir.join(segment(1)))));
    await queue.ask(dir.join(segment(1)));
    expect(begun).toEqual([segment(1)]);
  });

  it("pushes a file anew that was written since", async () => {
    await ready(segment(1));
    await queue.ask(dir.join(segment(1)));
    await writeFile(dir.join("other"), "other bytes");
    await rename(dir.join("other"), dir.join(segment(1)));
    await queue.ask(dir.join(segment(1)));
    expect(begun).toEqual([segment(1), segment(1)]);
  });

  it("is told of a failure by the file it asked for, and tries no other until one works", async () => {
    await ready(segment(1), segment(2), segment(3), segment(4), segment(5));
    for (const number of [1, 2, 3, 4, 5]) refused.add(segment(number));
    await expect(queue.ask(dir.join(segment(1)))).rejects.toMatchObject({ code: "storage-unreachable" });
    await waitFor(() => failures.length > 0, { what: "a push ahead to fail" });
    expect(begun.length).toBeLessThanOrEqual(3);
    refused.clear();
    await queue.ask(dir.join(segment(1)));
    await queue.ask(dir.join(segment(2)));
    await queue.ask(dir.join(segment(3)));
    await waitFor(() => acknowledged.has(segment(4)) && acknowledged.has(segment(5)), {
      what: "the others to go ahead",
    });
  });

  it("takes an acknowledgement back when the server has noted the file as archived", async () => {
    await ready(segment(1), segment(2));
    await queue.ask(dir.join(segment(1)));
    await waitFor(() => acknowledged.has(segment(2)), { what: "the second to be pushed ahead" });
    await rm(dir.join("archive_status", `${segment(2)}.ready`));
    await ready(segment(3));
    await queue.ask(dir.join(segment(3)));
    await waitFor(() => !acknowledged.has(segment(2)), { what: "the acknowledgement to go" });
  });

  it("lets what is under way end before it stops", async () => {
    await ready(segment(1));
    const gate = Promise.withResolvers<void>();
    gates.set(segment(1), gate.promise);
    const asked = queue.ask(dir.join(segment(1)));
    await waitFor(() => begun.length === 1, { what: "the push to begin" });
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    expect(stopped).toBe(false);
    gate.resolve();
    await Promise.all([asked, stopping]);
  });
});

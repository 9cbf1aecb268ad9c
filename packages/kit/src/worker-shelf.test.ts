import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, expect, it, vi } from "vitest";
import { WorkerShelf } from "./worker-shelf.ts";

const source = `import { parentPort } from "node:worker_threads";
  parentPort.on("message", (what) => {
    if (what === "throw") throw new Error("on the shelf");
    if (what === "exit") process.exit(3);
    parentPort.postMessage(what);
  });`;
const script = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
const other = new URL(`${script.href}//other`);

const started: Worker[] = [];
const start = () => {
  const worker = new Worker(script);
  started.push(worker);
  return worker;
};
const echo = async (worker: Worker, what: string) => {
  const answered = once(worker, "message");
  worker.postMessage(what);
  return (await answered)[0];
};

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(started.splice(0).map((worker) => worker.terminate()));
});

it("gives back the one of a script that came last, with no listener left on it, and none twice", async () => {
  const shelf = new WorkerShelf(4, 60_000);
  const [first, second, third] = [start(), start(), start()];
  const bare = first.eventNames().length;
  expect([shelf.give(script, first), shelf.give(script, second), shelf.give(other, third)]).toEqual([true, true, true]);
  expect(shelf.take(script)).toBe(second);
  expect(shelf.take(script)).toBe(first);
  expect(first.eventNames()).toHaveLength(bare);
  expect(shelf.take(script)).toBeNull();
  expect(shelf.take(other)).toBe(third);
  expect(await echo(first, "hello")).toBe("hello");
});

it("keeps so many in all, whatever their scripts", () => {
  const shelf = new WorkerShelf(2, 60_000);
  expect(shelf.give(script, start())).toBe(true);
  expect(shelf.give(other, start())).toBe(true);
  const third = start();
  expect(shelf.give(script, third)).toBe(false);
  expect(shelf.take(other)).not.toBeNull();
  expect(shelf.give(script, third)).toBe(true);
});

it.each(["throw", "exit"])("forgets one that ends meanwhile (%s), and the process lives on", async (how) => {
  const shelf = new WorkerShelf(1, 60_000);
  const worker = start();
  shelf.give(script, worker);
  // Not `once`, which would listen to its error, too. The shelf hears of it first.
  const ended = new Promise((resolve) => worker.on("exit", resolve));
  worker.postMessage(how);
  await ended;
  expect(shelf.take(script)).toBeNull();
  expect(shelf.give(script, start())).toBe(true);
});

it("ends what nobody took in time, and all when it is cleared", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const shelf = new WorkerShelf(2, 60_000);
  const [old, young] = [start(), start()];
  const ended = Promise.all([once(old, "exit"), once(young, "exit")]);
  shelf.give(script, old);
  vi.advanceTimersByTime(40_000);
  shelf.give(other, young);
  vi.advanceTimersByTime(30_000);
  expect(shelf.take(script)).toBeNull();
  await shelf.clear();
  expect(shelf.take(other)).toBeNull();
  await ended;
});

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { tempDir } from "@tidemark/testkit";
import { expect, it } from "vitest";
import { lockSpool } from "./agent-lock.ts";
import { pingAgent } from "./agent-socket.ts";

/** Each more costs a second. */
const rounds = Number(process.env.TIDEMARK_AGENT_ROUNDS ?? 3);

it("lets one of several agents be that start at once, after a clean end and after a kill", async () => {
  await using spool = await tempDir("agents");
  const socket = spool.join("agent.sock");
  for (let round = 0; round < rounds; round++) {
    const contenders = await Promise.all(Array.from({ length: 4 }, () => contender(spool.path)));
    for (const one of contenders) one.child.stdin?.write("go\n");
    const answers = await Promise.all(contenders.map((one) => one.next()));
    expect(answers.toSorted()).toEqual(["agent-running", "agent-running", "agent-running", "runs"]);
    const winner = contenders[answers.indexOf("runs")]?.child as ChildProcess;
    expect(await pingAgent(socket)).toBe(`tidemark of ${winner.pid}`);
    // What it leaves, its socket and its lock, keeps nobody from being the next.
    winner.kill("SIGKILL");
    await once(winner, "exit");
  }
  const names = await readdir(spool.path);
  expect(names.filter((name) => name.startsWith("lock-draft"))).toEqual([]);
  // Of the one that was killed last; the next one takes it away.
  expect(names.filter((name) => name.startsWith("here."))).toHaveLength(1);
});

it("asks whether the holder is there, not whether somebody has its process number, which another container counts anew", async () => {
  await using spool = await tempDir("agents");
  const holder = await contender(spool.path);
  holder.child.stdin?.write("go\n");
  expect(await holder.next()).toBe("runs");
  // No process has this number: one above the largest that Linux gives (PID_MAX_LIMIT).
  await rewritePid(spool.join("lock.1"), 2 ** 22 + 1);
  await expect(lockSpool(spool.path, null)).rejects.toMatchObject({ code: "agent-running" });
  holder.child.kill("SIGSTOP");
  await expect(lockSpool(spool.path, null)).rejects.toMatchObject({ code: "agent-running" });
  holder.child.kill("SIGKILL");
  await once(holder.child, "exit");
  await rewritePid(spool.join("lock.1"), process.pid);
  await (await lockSpool(spool.path, null)).release();
  expect((await readdir(spool.path)).filter((name) => name.startsWith("here."))).toEqual([]);
});

async function rewritePid(lock: string, pid: number): Promise<void> {
  const holder = JSON.parse(await readFile(lock, "utf8"));
  await writeFile(lock, JSON.stringify({ ...holder, pid }));
}

it("gives the lock of a spool to the next one when it is released, and only then", async () => {
  await using spool = await tempDir("agents");
  for (let turn = 0; turn < 20; turn++) {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockSpool(spool.path, null)));
    const [lock, ...others] = asked.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(others).toEqual([]);
    const refused = asked.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    for (const error of refused) expect(error).toMatchObject({ code: "agent-running" });
    await lock?.release();
  }
  expect((await readdir(spool.path)).length).toBeLessThanOrEqual(2);
});

async function contender(spool: string): Promise<{ child: ChildProcess; next(): Promise<string> }> {
  const script = fileURLToPath(new URL("./agent-race.child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, spool], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe("ready");
  return { child, next };
}

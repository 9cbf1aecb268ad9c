import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { type TempDir, tempDir, waitFor } from "@tidemark/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { identityOf } from "../push/file-identity.ts";
import { askAgent, pingAgent } from "./agent-socket.ts";
import { servesSettings } from "./agent-spool.ts";
import { startWalAgent, type WalAgent } from "./wal-agent.ts";

const name = "000000010000000000000003";
let dir: TempDir;
let agent: WalAgent;
let pushed: string[];
const [spool, settings, socket] = [
  () => dir.join("spool"),
  () => dir.join("host.json"),
  () => dir.join("spool/a.sock"),
];

beforeEach(async () => {
  dir = await tempDir("agent");
  pushed = [];
  await writeFile(dir.join(name), "wal");
  await writeFile(settings(), "to one place");
  const never = () => Promise.reject(new Error("nobody asks"));
  agent = await startWalAgent(
    { spool: spool(), socket: socket(), parallel: 1, prefetch: 1, retryMs: 1, idleMs: null, version: "test" },
    {
      push: async (path) => {
        pushed.push(path);
        return { name, outcome: "stored", identity: await identityOf(path) };
      },
      places: { archives: never, close: never } as never,
      settingsIdentity: await identityOf(settings()),
      readSettingsIdentity: () => identityOf(settings()),
      clock: systemClock,
      logger: createLogger({ name: "test", level: "silent" }),
    },
  );
});
afterEach(async () => {
  await agent.stop();
  await dir[Symbol.asyncDispose]();
});

it("stores nothing any more where the settings said before, once they say something else, and ends", async () => {
  await askAgent(socket(), dir.join(name), name);
  expect(pushed).toEqual([dir.join(name)]);
  await writeFile(settings(), "to another");
  await expect(askAgent(socket(), dir.join(name), name)).rejects.toMatchObject({ code: "agent-unreachable" });
  await agent.idle;
  expect(pushed).toHaveLength(1);
  expect(await pingAgent(socket())).toBeNull();
});

it("answers no shell once the settings say something else, and takes its sign of life away", async () => {
  const alive = () => identityOf(`${spool()}/alive`).catch(() => null);
  expect(await alive()).not.toBeNull();
  await writeFile(settings(), "to another");
  await writeFile(`${spool()}/want/${name},1`, `push ${dir.join(name)}\n${settings()}\n`);
  await agent.idle;
  expect(await alive()).toBeNull();
  expect(pushed).toEqual([]);
});

it("serves nobody who was given other settings, though they name the same spool", async () => {
  expect(await servesSettings(spool(), await identityOf(settings()))).toBe(true);
  await writeFile(dir.join("other.json"), "to another");
  expect(await servesSettings(spool(), await identityOf(dir.join("other.json")))).toBe(false);
  const answer = () => readFile(`${spool()}/answer/${name},1`, "utf8").catch(() => null);
  await writeFile(`${spool()}/want/${name},1`, `push ${dir.join(name)}\n${dir.join("other.json")}\n`);
  await waitFor(async () => (await answer()) !== null, { what: "an answer" });
  expect(await answer()).toBe("other\n");
  expect(pushed).toEqual([]);
  // In a container of its own the agent may know its settings under another name.
  await writeFile(`${spool()}/want/${name},2`, `push ${dir.join(name)}\n/nowhere/host.json\n`);
  await waitFor(() => pushed.length === 1, { what: "the push" });
});

it("leaves nothing behind where what it says cannot be written", async () => {
  // Nothing can be put in a folder's place.
  await mkdir(`${spool()}/answer/${name},1/full`, { recursive: true });
  await writeFile(`${spool()}/want/${name},1`, `push ${dir.join(name)}\n${settings()}\n`);
  await waitFor(() => pushed.length === 1, { what: "the push" });
  await agent.stop();
  expect((await readdir(spool())).filter((file) => file.startsWith("draft"))).toEqual([]);
});

import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { claimPort, type TempDir, tempDir, waitFor } from "@tidemark/testkit";
import { tidemarkIn } from "../faces/command.ts";
import { expect, test } from "../faces/story.ts";
import { launchProduct, type Product, startProduct } from "../product/start-product.ts";

/** Homes of their own, beside the product of the other stories. */
const environment = { TIDEMARK_DEMO: "0" };

test("stopped, started again, killed and started again: nothing is lost and nothing is left", async () => {
  await using dir = await tempDir("restart");
  const home = dir.join("home");
  await using claimed = await claimPort();
  const { port } = claimed;
  const first = await startProduct({ home, port, environment });
  const repositories = await repositoriesOf(home);
  expect(repositories).toMatchObject([{ name: "default", state: "ready" }]);

  const beside = await launchProduct({ home, environment });
  expect(await beside.ended).toBe(1);
  expect(beside.output()).toContain(`${home} is in use by Tidemark with pid ${first.pid}`);

  const stopped = await processesOf(home, first);
  first.signal("SIGINT");
  expect(await first.ended).toBe(0);
  expect(first.output()).toMatch(/Stopping;[\s\S]*Stopped\.\s*$/);
  await waitFor(() => !stopped.some(isAlive), { what: "everything that was brought up to be gone" });

  const startedMs = performance.now();
  const second = await startProduct({ home, port, environment });
  const seconds = (performance.now() - startedMs) / 1_000;
  test.info().annotations.push({ type: "second start is ready after", description: `${seconds.toFixed(1)} s` });
  expect(seconds).toBeLessThan(60);
  expect(second.output()).toContain("login      as before");
  expect(await repositoriesOf(home)).toEqual(repositories);

  const killed = await processesOf(home, second);
  expect(killed.length, "supervisor, watcher, api, worker, dashboard, PostgreSQL").toBeGreaterThanOrEqual(6);
  for (const pid of killed) process.kill(pid, "SIGKILL");
  expect(await second.ended).toBe("SIGKILL");
  await waitFor(() => !killed.some(isAlive), { what: "the killed processes to be gone" });

  const third = await startProduct({ home, port, environment });
  expect(await repositoriesOf(home)).toEqual(repositories);
  third.signal("SIGTERM");
  expect(await third.ended).toBe(0);
});

test("what keeps it from starting is one sentence with what to do", async () => {
  await using dir = await tempDir("refused");
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, "127.0.0.1", () => {
      const address = taken.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const onTakenPort = await launchProduct({ home: dir.join("home"), port, environment });
  expect(await onTakenPort.ended).toBe(1);
  expect(onTakenPort.output()).toMatch(new RegExp(`could not start: .*${port}.*PORT.*\\[port-taken\\]`));
  taken.close();

  const settings = { TIDEMARK_DEMO: "perhaps", TIDEMARK_HOEM: "/tmp", HOST: "" };
  const misspelt = await launchProduct({ home: dir.join("home"), environment: settings });
  expect(await misspelt.ended).toBe(1);
  expect(misspelt.output()).toMatch(/TIDEMARK_DEMO/);
  expect(misspelt.output()).toMatch(/TIDEMARK_HOEM/);
  expect(misspelt.output()).toContain("[setting-invalid]");

  await expectUnwritable(dir);
});

async function expectUnwritable(dir: TempDir): Promise<void> {
  const product = await launchProduct({ home: "/proc/tidemark-home", environment });
  expect(await product.ended, dir.path).toBe(1);
  expect(product.output()).toMatch(/could not start: .*\/proc\/tidemark-home.*\[home-not-writable\]/);
}

async function repositoriesOf(home: string): Promise<readonly { readonly state: string }[]> {
  return await waitFor(
    async () => {
      const answer = await tidemarkIn({ TIDEMARK_HOME: home }, ["repository", "list", "-o", "json"]);
      const all = answer.json<readonly { state: string; freeBytes?: unknown; storedBytes?: unknown }[]>();
      const steady = all.map(({ freeBytes: _free, storedBytes: _stored, ...rest }) => rest);
      return steady.length > 0 && steady.every(({ state }) => state === "ready") && steady;
    },
    { what: "the first repository to be ready", everyMs: 300 },
  );
}

/** The supervisor and all it wrote down that it brought up. */
async function processesOf(home: string, product: Product): Promise<readonly number[]> {
  const roll = JSON.parse(await readFile(join(home, "processes.json"), "utf8")) as {
    readonly watcher: { readonly pid: number };
    readonly children: readonly { readonly pid: number }[];
    readonly clusters: readonly string[];
  };
  const postmasters = await Promise.all(
    roll.clusters.map(async (dataDir) =>
      Number((await readFile(join(dataDir, "postmaster.pid"), "utf8")).split("\n")[0]),
    ),
  );
  // The supervisor and its watcher first: otherwise they would start again what is killed after them.
  return [product.pid, roll.watcher.pid, ...roll.children.map(({ pid }) => pid), ...postmasters];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

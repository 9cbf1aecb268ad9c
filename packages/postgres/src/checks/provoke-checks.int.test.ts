import { findHostTool, standbyOf, type TestServer, testServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roleScript } from "../privileges/role-script.ts";
import { applyRemedy, runScript } from "./apply-remedy.fixture.ts";
import type { CheckResult } from "./check.ts";
import { backupFailure, type ContextChanges, checkServer, labPassword, labRole } from "./check-lab.fixture.ts";
import { closeReplication, type Lab, type Provocation } from "./provocation.fixture.ts";
import { serverChecks } from "./server-checks.ts";
import { sessionProvocations } from "./session-provocations.fixture.ts";
import { replayed, stateProvocations } from "./state-provocations.fixture.ts";
import { walProvocations } from "./wal-provocations.fixture.ts";

/** Those of WAL last: no standby survives a primary's wal_level = minimal. */
const provocations = [...sessionProvocations, ...stateProvocations, ...walProvocations];

/** What no server here can be brought to; recorded-checks.test.ts judges them on recorded answers. */
const notProvoked = ["managed-service", "clock-difference", "version-supported", "known-backup-defects"];

/** The newest and the oldest major; what is about another server goes with the newest. */
const labs = [18, 13] as const;

it("provokes the finding of every check, or names it among those that cannot be", () => {
  const covered = new Set([...provocations.map(({ id }) => id), ...notProvoked]);
  expect([...covered].sort()).toEqual(serverChecks.map(({ id }) => id).sort());
});

describe.each(labs)("on PostgreSQL %i, the finding of", (major) => {
  let lab: Lab;
  let hasChecksumTool: boolean;

  beforeAll(async () => {
    hasChecksumTool = (await findHostTool(15, "pg_checksums")) !== null;
    // A standby that is between two attempts while its primary restarts twice finds its WAL gone otherwise.
    const settings = { max_prepared_transactions: 2, wal_keep_size: "128MB" };
    const [main, old, plain] = await Promise.all([
      testServer({ major, walSegmentSizeMb: 1, settings }),
      testServer({ major: 14 }),
      testServer({ major: 15, checksums: false }),
    ]);
    for (const server of [main, old, plain]) await makeRole(server);
    lab = { main, old, plain, standby: await standbyOf(main) };
  });

  afterAll(async () => {
    await closeReplication();
    for (const server of [lab?.standby, lab?.main, lab?.old, lab?.plain]) await server?.[Symbol.asyncDispose]();
  });

  const possible = provocations.filter(
    ({ on, from = 0 }) => from <= major && (major === 18 || on === "main" || on === "standby"),
  );

  it.for(possible)("$id on $on comes, and goes by its own remedy", async (provocation, { skip }) => {
    skip(provocation.id === "data-checksums" && !hasChecksumTool, "this machine has no pg_checksums of PostgreSQL 15");
    const { id, severity, on } = provocation;
    if (on === "standby") await replayed(lab);
    await provocation.provoke?.(lab);
    const changes = (await provocation.context?.(lab)) ?? {};
    const found = await lookWithRights(lab, provocation, changes);
    expect(found, JSON.stringify(found)).toMatchObject({ id, state: "found", severity });
    // What is said to block backups does; what we only remember or compare blocks them on our side.
    const blocks = severity === "blocks-backup" && provocation.contextAfter === undefined;
    if (blocks) expect(await backupFailure(lab[on])).not.toBeNull();
    const remedy = found.remedy;
    if (remedy === null) throw new Error(`${id} was found without a remedy`);
    // Whoever cannot paste anything is told what to do.
    if (provocation.follow !== undefined) expect(remedy.advice).toBeTruthy();
    await applyRemedy(lab[provocation.remedyOn ?? on], remedy);
    await provocation.follow?.(lab);
    const after = await look(lab, provocation, (await provocation.contextAfter?.(lab)) ?? changes);
    expect(after, JSON.stringify({ remedy, after })).toMatchObject({ id, state: "ok", remedy: null });
    if (blocks) expect(await backupFailure(lab[on])).toBeNull();
    await provocation.cleanUp?.(lab);
  });
});

async function makeRole(server: TestServer): Promise<void> {
  await runScript(server, roleScript({ major: server.major, role: labRole, purpose: "backup", database: "postgres" }));
  await server.query(`ALTER ROLE "${labRole.replaceAll('"', '""')}" PASSWORD '${labPassword}'`);
}

async function look(lab: Lab, { id, on }: Provocation, changes: ContextChanges): Promise<CheckResult> {
  const [result, ...more] = await checkServer(lab[on], changes, [id]);
  if (result === undefined || more.length > 0) throw new Error(`${id} alone gave ${more.length + 1} results`);
  return result;
}

/** What the check finds; where the role may not ask, as it may after the remedy for that. */
async function lookWithRights(lab: Lab, provocation: Provocation, changes: ContextChanges): Promise<CheckResult> {
  const result = await look(lab, provocation, changes);
  if (result.state !== "not-asked" || result.remedy === null) return result;
  await applyRemedy(lab[provocation.remedyOn ?? provocation.on], result.remedy);
  return await look(lab, provocation, changes);
}
